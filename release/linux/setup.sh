#!/bin/sh
# After an installation or an upgrade. Debian calls this with `configure` and the old version, RPM with the number of
# packages of this name that will be there: 1 or 2.
set -e

does_not_run() { echo "fproc: the service does not run; journalctl -u fproc says why" >&2; }

case "$1" in
    configure) [ -z "$2" ] || [ -e /run/fproc-was-removed ] && is_new=yes || is_new= ;;
    1) is_new=yes ;;
    2) is_new= ;;
    *) exit 0 ;;
esac
rm -f /run/fproc-was-removed
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
    # A service that does not start, for a wrong configuration say, leaves the package installed nevertheless.
    if [ -z "$is_new" ]; then
        systemctl try-restart fproc.service || does_not_run
    elif [ "$1" = configure ]; then
        systemctl enable --now fproc.service || does_not_run
    else
        systemctl preset fproc.service
    fi
fi
