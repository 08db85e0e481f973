# What the scenarios have in common: each step says `ok` or `not ok` in the file `said`, which the test reads; what
# helps to understand a failure is in `log`.
cd /root/shared || exit 1
exec >log 2>&1
set -x

# Wait up to a minute until a command succeeds, then say so.
step() {
    local name=$1 left=150
    shift
    until "$@"; do
        left=$((left - 1))
        if [ $left -eq 0 ]; then
            echo "not ok $name" >>said
            return
        fi
        sleep 0.2
    done
    echo "ok $name" >>said
}

# Say at once whether a command succeeds.
now() {
    local name=$1
    shift
    if "$@"; then
        echo "ok $name" >>said
    else
        echo "not ok $name" >>said
    fi
}

drop() { su dropper -c "umask 022; printf '$2' >/srv/fproc/unprocessed/.$1 && mv /srv/fproc/unprocessed/.$1 /srv/fproc/unprocessed/$1"; }
has() { [ "$(cat "/srv/fproc/results/$1")" = "$2" ]; }
shows() { systemctl show fproc -p "$1" --value | grep -q -- "$2"; }
answers() { python3 - "$1" "${2:-}" <<'P'
import sys, urllib.error, urllib.request
wanted, token = sys.argv[1:]
request = urllib.request.Request("http://127.0.0.1:8000/stats")
if token:
    request.add_header("Authorization", f"Bearer {token}")
try:
    status = urllib.request.urlopen(request, timeout=5).status
except urllib.error.HTTPError as error:
    status = error.code
except OSError:
    status = 0
sys.exit(str(status) != wanted)
P
}
journal() { journalctl -u fproc -o json --no-pager >entries && python3 - "$@" <<'P'
import json, re, sys
pattern, priority = sys.argv[1:]
entries = [json.loads(line) for line in open("entries", encoding="utf-8")]
own = [entry for entry in entries if entry.get("_SYSTEMD_UNIT") == "fproc.service"]
found = [entry for entry in own if re.search(pattern, entry["MESSAGE"])]
timed = [entry for entry in own if re.match(r"\d{4}-|<\d>", entry["MESSAGE"])]
sys.exit(not (found and not timed and all(entry["PRIORITY"] == priority for entry in found)))
P
}
ends() {
    systemctl status fproc --no-pager
    journalctl -u fproc --no-pager
    echo end >>said
    systemctl poweroff
}
