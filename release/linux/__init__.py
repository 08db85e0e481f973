"""The packages for Debian and RPM, made by nfpm; beside this, the scripts that they run on the host."""
