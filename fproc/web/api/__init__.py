"""The HTTP interface: routes, and the functions that answer them.

Functions of a request, without sockets. Begin with `routes`; `openapi.json` describes the paths, `gauges` the
metrics.
"""
