"""Tracing of single lines and of time: ways through the graph, and how long nodes take.

Values and the `Observer` protocol only; what keeps or prints them is in `telemetry`. Begin with `trace`.
"""
