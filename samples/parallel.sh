#!/bin/sh
# Withdraws one list in eight shares at once, with GNU parallel: parallel.sh LIST [OPTION]...
# Each share takes its part of the rows and an eighth of rate and limits, and has a report and a ledger of its own. Each row of the
# list is in one share only, whichever machine takes that. The same command again goes on where it stopped.
# Ends with the number of shares that did not end with 0.
set -eu
list=$1
shift
seq 8 | parallel --quote --will-cite --jobs 8 --line-buffer --tagstring 'share {}' \
    bulk-withdraw run "$list" --partition {}/8 --yes --progress none "$@"
