"""Connections and requests: everything between a socket and a route.

Nothing here knows what a request asks for. Begin with `connections`, the one thread that serves all of them.
"""
