#!/bin/sh
# The verbs of the Makefile as a script; run and run-file do without make:
#   ./run.sh run [OPTION...]          ./run.sh run-file FILE [OPTION...]
#   ./run.sh test|coverage|pythons|sweeps|test-long|check|pyz|generate|bench|screenshots|clean|help
set -eu
cd "$(dirname "$0")"
PYTHON=${PYTHON:-python3}

case "${1:-help}" in
    run)
        shift
        exec "$PYTHON" -m fproc --watch "$@"
        ;;
    run-file)
        shift
        [ $# -ge 1 ] || { echo "run.sh run-file needs a file: ./run.sh run-file some.log" >&2; exit 2; }
        exec "$PYTHON" -m fproc --input "$@"
        ;;
    test | coverage | pythons | sweeps | test-long | check | pyz | generate | bench | screenshots | clean | help)
        exec make --no-print-directory PYTHON="$PYTHON" "$@"
        ;;
    *)
        echo "run.sh: no verb '$1'; there are run, run-file, test, coverage, pythons, sweeps, test-long, check," \
            "pyz, generate, bench, screenshots, clean, help" >&2
        exit 2
        ;;
esac
