"""What there is to ask for and to change: routes, and the functions behind them.

Functions of a request, without sockets. Begin with `routes`; openapi.json describes them.
"""
