"""The files that a configuration is written in, and the one that is built in."""
