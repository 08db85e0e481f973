"""What is known of single lines and of time: ways through the graph, and what nodes take.

Values and the `Observer` protocol only; those who keep or print them are in `telemetry`. Begin with `trace`.
"""
