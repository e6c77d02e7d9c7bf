#!/bin/sh
# Withdraws one list in eight shares at once, with GNU parallel: parallel.sh LIST [OPTION]...
# Each share has its part of the rows, an eighth of rate and limits, and its own report and ledger. Each row is in exactly one
# share. The same command again goes on where it stopped. The exit code is the number of shares that did not end with 0.
set -eu
list=$1
shift
seq 8 | parallel --quote --will-cite --jobs 8 --line-buffer --tagstring 'share {}' \
    bulk-withdraw run "$list" --partition {}/8 --yes --progress none "$@"
