"""The dashboard: what operators and monitoring see over HTTP. None of it can stop processing.

Begin with `server`; `http` knows connections, `api` answers, `page` is what the browser shows.
"""
