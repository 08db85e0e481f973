"""What an operator and monitoring see over HTTP."""
