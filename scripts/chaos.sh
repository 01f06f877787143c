#!/usr/bin/env bash
# The chaos matrix with real processes; writes docs/benchmarks/chaos.md. EMEND_CHAOS_IMAGES is the
# number of images of a slot, which paces the steps: 16, or fewer for a busy machine.
set -euo pipefail
cd "$(dirname "$0")/.."

table=$(mktemp)
trap 'rm -f "$table"' EXIT
outcome=0
EMEND_TEST_LONG=1 EMEND_CHAOS_TABLE=$table \
    swift test -c release --disable-testable-imports --filter 'EndToEnd.Chaos' || outcome=$?

{
    cat <<EOT
# Chaos with real processes

Written by \`EMEND_CHAOS_IMAGES=${EMEND_CHAOS_IMAGES:-16} scripts/chaos.sh\` on $(date -u +%F), on $(nproc) cores of
$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1).

Each line is a run of 200 steps of the tiny network with V = 7. It is there only if it ended with exit 0 and
with the parameters and optimizer state of an undisturbed run, \`emend verify\` passed, and metrics hold each
step once. Faults strike at given steps, a process that takes part and is chosen by chance: \`kill -9\` (the last
one of all servers at once), SIGSTOP for 5 s, or SIGTERM to the run and \`--resume auto\` twice, with kills between.
The processes that were struck are printed by the test. The step is the median time between commits.

| workers | servers | faults | landed | roll-backs | resumed | step ms | seconds | parameters_sha256 |
|---|---|---|---|---|---|---|---|---|
EOT
    cat "$table"
    echo
    runs=$(wc -l <"$table")
    hashes=$(awk -F '|' '{print $10}' "$table" | sort -u | wc -l)
    echo "$runs runs, $hashes parameters_sha256, $(awk -F '|' '{n += $5} END {print n + 0}' "$table") faults," \
        "$(awk -F '|' '$6 > 0' "$table" | wc -l) runs that rolled back."
} >docs/benchmarks/chaos.md
exit "$outcome"
