#!/usr/bin/env bash
# A partial clone is told from a whole one, by `collect` and by `up`, with the command that mends it.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"
init source
for i in 1 2 3 4; do
  { echo "def f(a):"; for k in $(seq 1 20); do echo "    if a > $((k * i)): return $k"; done; } >source/m.py
  commit source "Fix c$i" $((1300000000 + i))
done
git -C source config uploadpack.allowFilter true
git clone -q --filter=blob:none "file://$PWD/source" partial
collect partial events.jsonl 2>said || fail "collect ends with $?: $(cat said)"
expect_in "collect" "git fetch --refetch --no-filter" "$(cat said)"
expect "events" 4 "$(wc -l <events.jsonl)"
expect "versions after an unknown one that are told as new lines" 0 "$(grep -c '"old_omitted":"missing".*"hunks":\[' events.jsonl || true)"
import partial data >out 2>said || fail "up ends with $?: $(cat said)"
expect_in "up" "git fetch --refetch --no-filter" "$(cat said)"
git -C partial fetch -q --refetch --no-filter
collect partial mended.jsonl 2>said
collect source whole.jsonl --repository source 2>/dev/null
expect "the mended clone" "$(sha256sum <whole.jsonl)" "$(sed 's/"repository":"[^"]*"/"repository":"source"/' mended.jsonl | sha256sum)"
# Without trees nothing can be told, and the error says why.
git clone -q --filter=tree:0 --bare "file://$PWD/source" treeless
collect treeless none.jsonl 2>said && fail "a clone without trees gave events"
expect_in "without trees" "git fetch --refetch --no-filter" "$(cat said)"
