"""The one executable file: how it is built (`build`, for developers) and how it starts (`boot`).

Nothing else in fproc imports these. Begin with `boot`, the first code that runs.
"""
