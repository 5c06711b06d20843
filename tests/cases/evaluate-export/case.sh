#!/usr/bin/env bash
# `evaluate` reads what `export` writes, and says what it cannot use instead of ending without a word.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"

init repository
body() { seq "$1" "$2" | sed "s/.*/value_& = compute(&, \"$3\")/"; }
day=0
for round in $(seq 1 30); do
  time=$((1500000000 + day * 86400))
  body 1 $((10 + round)) "round $round" > "repository/file$((round % 6)).py"
  commit repository "add the values of round $round" "$time"
  # The fix replaces lines of the change before, so that one is defective.
  if [ $((round % 3)) = 0 ]; then
    sed -i '1,3s/compute/checked/' "repository/file$((round % 6)).py"
    commit repository "fix: crash in round $round" $((time + 3600))
  fi
  day=$((day + 12))
done
# Much later, so that what was not fixed is known to be clean.
echo 'last = 1' > repository/last.py; commit repository "add the last value" $((1500000000 + 900 * 86400))
import repository data > summary.json
"$DRIFTLINE" export --data data --out changes.parquet > /dev/null
seen=$("$DRIFTLINE" evaluate --data changes.parquet --protocol time-split --json) || fail "evaluate of the export ended with $?"
expect_in "the report" '"protocol":"time-split"' "$seen"
expect_in "the report" '"project":"repository"' "$seen"

status=0; said=$("$DRIFTLINE" evaluate --data changes.parquet --protocol prequential 2>&1 >/dev/null) || status=$?
expect "exit of prequential without fix times" 1 "$status"
expect_in "its error" 'first_fix_time' "$said"

printf 'project,time\n' > table.csv
status=0; said=$("$DRIFTLINE" evaluate --data table.csv 2>&1 >/dev/null) || status=$?
expect "exit of a table that is none" 1 "$status"
expect_in "its error" 'table.csv' "$said"
