#!/bin/sh
# After an installation or an upgrade. Debian calls this with `configure` and the old version, RPM with the number of
# packages of this name that will be there: 1 or 2.
set -e
case "$1" in
    configure) [ -z "$2" ] && is_new=yes || is_new= ;;
    1) is_new=yes ;;
    2) is_new= ;;
    *) exit 0 ;;
esac
if ! getent passwd fproc >/dev/null; then
    useradd --system --user-group --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin fproc
fi
if command -v systemd-tmpfiles >/dev/null; then
    systemd-tmpfiles --create fproc.conf
else
    install -d -o fproc -g fproc -m 2750 /srv/fproc
fi
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    if [ -z "$is_new" ]; then
        systemctl try-restart fproc.service
    elif [ "$1" = configure ]; then
        systemctl enable --now fproc.service
    else
        systemctl preset fproc.service
    fi
fi
