#!/usr/bin/env bash
# While an engine holds a data folder, explain, risk, export and replay ask it, and say what they say without it; another
# engine is told who holds the folder. What a killed engine left behind is not asked.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"
soon() { for _ in $(seq 100); do "$@" && return 0; sleep 0.1; done; fail "within 10 s: $*"; }
init one
for n in $(seq 12); do printf 'def f(a):\n    return a + %s\n' "$n" >one/a.py; commit one "Change $n" $((1700000000 + n * 100)); done
import one data --author-key-file key >/dev/null 2>&1
head=$(git -C one rev-parse HEAD)
ask() {
  "$DRIFTLINE" explain "${head:0:10}" --data data --json >"$1.explain"
  "$DRIFTLINE" explain "${head:0:10}" --data data >"$1.words"
  "$DRIFTLINE" risk HEAD~5..HEAD --repo one --data data --author-key-file key --json >"$1.risk" || [ $? -eq 4 ]
  "$DRIFTLINE" export --data data --out "$1.parquet" --json | sed 's/"file":"[^"]*"//' >"$1.export"
  "$DRIFTLINE" replay --verify --data data --json >"$1.replay"
}
ask offline
"$DRIFTLINE" up --repo one --data data --listen 127.0.0.1:0 --author-key-file key >out 2>err &
up=$!
trap 'kill -9 $up 2>/dev/null || true' EXIT
soon grep -q 'up to date' err
ask online
for what in explain words risk export; do
  cmp "offline.$what" "online.$what" || fail "$what differs: $(diff "offline.$what" "online.$what")"
done
cmp offline.parquet online.parquet || fail "the exports differ"
digest() { python3 -c 'import json,sys; r=json.load(open(sys.argv[1])); assert r["equal"]; print(r["digest"], r["as_of"])' "$1"; }
expect "replay beside the engine" "$(digest offline.replay)" "$(digest online.replay)"
expect_in "the engine is one of the ways" "process $up at http://127.0.0.1" "$(cat online.replay)"
ls data | grep -q '^replay' && fail "a replay left its folder behind"
# A commit that is a moment old.
echo 'x = 1' >one/b.py; commit one "New" 1700009000
"$DRIFTLINE" risk HEAD --repo one --data data --author-key-file key --json >new.risk || [ $? -eq 4 ]
expect_in "a new commit" "$(git -C one rev-parse HEAD)" "$(cat new.risk)"
status=0; "$DRIFTLINE" explain ffffffffff --data data >/dev/null 2>words || status=$?
expect "a commit that is not there" 1 "$status"
expect_in "is said to be" 'begins with `ffffffffff`' "$(cat words)"
init other; echo 'x = 1' >other/a.py; commit other first 1700000000
status=0; "$DRIFTLINE" risk HEAD --repo other --data data --author-key-file key >/dev/null 2>words || status=$?
expect "a repository it does not follow" 1 "$status"
expect_in "is named with those it does" 'does not follow `other` but one' "$(cat words)"
status=0; "$DRIFTLINE" up --repo one --data data --listen 127.0.0.1:0 --author-key-file key >/dev/null 2>words || status=$?
expect "another engine" 1 "$status"
expect_in "is told who holds the folder" "process $up, which answers at http://127.0.0.1" "$(cat words)"
expect_in "and what to do" '--data' "$(cat words)"
kill -9 $up; wait $up 2>/dev/null || true
trap - EXIT
[ -e data/engine.json ] || fail "the killed engine left its address behind"
"$DRIFTLINE" explain "${head:0:10}" --data data --json >crashed.explain || fail "a stale address is not asked"
cmp offline.explain crashed.explain || fail "explain differs after a crash"
