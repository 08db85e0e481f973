"""How the one executable file is made (`build`, for developers) and how it starts (`boot`).

Nothing else of fproc imports these. Begin with `boot`, the first code that runs.
"""
