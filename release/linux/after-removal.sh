#!/bin/sh
# After a removal. Inputs, results and the user who owns them stay.
set -e
case "$1" in
    purge) rm -rf /var/cache/fproc ;;
esac
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
fi
