"""Built-ins that make a structured record of a line, one module each."""
