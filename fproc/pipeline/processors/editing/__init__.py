"""Built-ins that take a structured record and give one."""
