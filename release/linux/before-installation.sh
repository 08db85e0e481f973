#!/bin/sh
# Before an installation. Where the package had been removed, but not purged, Debian calls this with `install` and the
# old version; the script after the installation could not tell that from an upgrade.
set -e
if [ "$1" = install ] && [ -n "$2" ]; then
    touch /run/fproc-was-removed
fi
