#!/bin/sh
# W1 by GNU parallel, one mawk for each job over a part of the file: w1_parallel.sh JOBS FOLDER INPUT
# What the parts gave is joined in their order, so the results are those of one mawk.
set -eu
jobs=$1 folder=$2 input=$3
program=$(dirname "$0")/w1.awk
export program
cd "$folder"

parallel --will-cite --pipepart --arg-file "$input" --block -1 --jobs "$jobs" --keep-order \
    'mkdir part-{#} && mawk -v dir=part-{#} -f "$program"'

for name in info warn error other; do
    number=1
    while [ -d "part-$number" ]; do
        part=part-$number/$name.log
        if [ -e "$part" ]; then cat "$part" >> "$name.log"; fi
        number=$((number + 1))
    done
done
rm -r part-*
