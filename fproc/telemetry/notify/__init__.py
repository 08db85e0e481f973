"""Calls to the outside: failures, pauses, silence and the heartbeat.

The work never waits for them. Begin with `alerts`.
"""
