#!/usr/bin/env bash
# One commit that is dated at the end of time keeps nothing else from being exported.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"
init r
for n in 1 2 3; do echo "int f$n(int a) { if (a) return $n; return 0; }" >>r/a.c; commit r "Change $n" $((1700000000 + n)); done
echo 'int z;' >>r/a.c; git -C r add -A
tree=$(git -C r write-tree) end=9223372036854775807
last=$(printf 'tree %s\nparent %s\nauthor n <a@b> %s +0000\ncommitter n <a@b> %s +0000\n\nfuture\n' "$tree" "$(git -C r rev-parse HEAD)" $end $end |
  git -C r hash-object -t commit -w --stdin --literally)
git -C r reset -q --hard "$last"
echo 'int y;' >>r/a.c; commit r "After it" 1700000100
import r data >out 2>err || fail "up ends with $?: $(cat err)"
"$DRIFTLINE" export --data data --out all.parquet >out 2>err || fail "export ends with $?: $(cat err)"
expect_in "all rows" "5 rows" "$(cat out)"
"$DRIFTLINE" up --repo r --data data --listen 127.0.0.1:0 >out 2>err & pid=$!
trap 'kill $pid 2>/dev/null || true' EXIT
for _ in $(seq 100); do grep -q 'up to date' err && break; sleep 0.1; done
curl -sf "$(sed -n 's/.*listens on //p' out)/v1/export" -o served.parquet || fail "the export over HTTP breaks off"
cmp all.parquet served.parquet || fail "the two exports differ"
