"""How the one executable file is made (`build`, for developers) and how it starts (`boot`)."""
