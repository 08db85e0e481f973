"""Tracing of single lines and of time: paths through the graph, and how long nodes take.

Values, timing and the `Observer` protocol only; what keeps or prints traces is in `telemetry`. Begin with
`trace`.
"""
