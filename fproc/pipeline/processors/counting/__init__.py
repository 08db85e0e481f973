"""Built-ins that look at more than one line: they join, number, total and pick lines."""
