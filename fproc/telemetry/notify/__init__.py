"""Calls to the outside: failures, pauses, silence and the heartbeat.

Never waited for by the work. Begin with `alerts`.
"""
