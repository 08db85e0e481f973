"""The history of every input, in an SQLite database: all of fproc's SQL.

Begin with `history`, whose methods are what others ask; `database` is the connection, `schema` the tables,
`upkeep` what is removed of it.
"""
