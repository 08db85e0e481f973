"""Users' processors: how they are loaded, and which source they were loaded from."""
