#!/bin/sh
# The verbs of the Makefile as a script, from any folder:
#   ./run.sh run [OPTION...]          watch, without make
#   ./run.sh run-file FILE [OPTION...]    process one file where it is, without make
#   ./run.sh VERB [NAME=VALUE...]     as `make VERB`; `./run.sh help` lists the verbs
set -eu
here=$(dirname "$(readlink -f "$0")")
PYTHON=${PYTHON:-python3}

# Runs fproc from this folder, and never a module of the folder that the caller is in.
fproc() {
    exec "$PYTHON" -c '
import sys
sys.path[0] = sys.argv.pop(1)
from fproc.cli.main import main
sys.exit(main())' "$here" "$@"
}

verb=${1:-help}
case "$verb" in
    run)
        shift
        cd "$here"
        fproc --watch "$@"
        ;;
    run-file)
        shift
        [ $# -ge 1 ] || { echo "run.sh run-file needs a file: ./run.sh run-file some.log" >&2; exit 2; }
        export FPROC_CONFIG="${FPROC_CONFIG:-$here/pipeline.json}"
        fproc --input "$@"
        ;;
    *)
        if ! sed -n 's/^\([a-z-]*\):.* ## .*/\1/p' "$here/Makefile" | grep -Fqx -- "$verb"; then
            echo "run.sh: no verb '$verb'; ./run.sh help lists what there is" >&2
            exit 2
        fi
        command -v make >/dev/null || { echo "run.sh $verb needs make, which is not installed" >&2; exit 2; }
        exec make --no-print-directory -C "$here" PYTHON="$PYTHON" "$@"
        ;;
esac
