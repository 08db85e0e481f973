#!/bin/sh
# Before a removal, but not before an upgrade: a running fproc does not mind that its file is replaced.
set -e
case "$1" in
    remove | 0)
        if [ -d /run/systemd/system ]; then
            systemctl disable --now fproc.service
        fi
        ;;
esac
