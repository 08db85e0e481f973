"""Help for those who write a pipeline: its examples, drawings of it, files to try it with."""
