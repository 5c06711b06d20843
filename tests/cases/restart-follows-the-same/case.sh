#!/usr/bin/env bash
# Branches that were checked out while an engine followed are followed after a restart, wherever HEAD is by then: nothing is
# withdrawn and nothing appended.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"
init r
for n in 1 2 3 4 5; do echo "x = $n" >r/a.py; commit r "Change $n" $((1700000000 + n * 100)); done
git -C r branch other HEAD~2
"$DRIFTLINE" up --repo r --data data --listen 127.0.0.1:0 >out 2>err & pid=$!
trap 'kill $pid 2>/dev/null || true' EXIT
for _ in $(seq 100); do grep -q 'up to date' err && break; sleep 0.1; done
address=$(sed -n 's/.*listens on //p' out)
git -C r checkout -q other; echo 'y = 1' >r/b.py; commit r "On the other" 1700001000
other=$(git -C r rev-parse HEAD)
for _ in $(seq 100); do curl -sf "$address/v1/predictions/r/$other" >/dev/null && break; sleep 0.1; done
kill -TERM $pid; wait $pid || fail "up ends with $?"
summary() { import r data 2>words | tail -n 1 | python3 -c 'import json,sys; s=json.load(sys.stdin); print(s["commits"], s["appended"], s["digest"])'; }
first=$(summary)
expect "commits of both branches, nothing appended" "6 0" "${first% *}"
for where in main "--detach main~3" "--orphan new"; do
  git -C r checkout -q -f $where
  expect "the state after checkout $where" "$first" "$(summary)"
done
# A branch that is deleted is abandoned.
git -C r checkout -q -f main
git -C r branch -q -D other
summary >now
expect "the commits of a deleted branch are withdrawn" "5 1" "$(cut -d ' ' -f 1,2 now)"
