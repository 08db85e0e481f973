"""The code that is generated for each kind of node. Begin with `table`, which says who writes it."""
