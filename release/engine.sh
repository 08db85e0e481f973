#!/bin/sh
# Print the container engine that `make VERB` uses: the first of docker and podman that answers, or $ENGINE.
#   release/engine.sh VERB
said=
for engine in ${ENGINE:-docker podman}; do
    if ! command -v "$engine" >/dev/null; then
        said="$said; $engine is not installed"
    elif ! "$engine" info >/dev/null 2>&1; then
        said="$said; $engine does not answer: does its service run, and may you use it?"
    else
        echo "$engine"
        exit 0
    fi
done
echo "make $1 needs docker or podman${said}" >&2
exit 2
