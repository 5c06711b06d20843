#!/usr/bin/env bash
# A23: an empty repository and an unborn branch have no commits yet; that is said, and they are followed.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"
init empty; init unborn; git init -q --bare -b main bare.git
echo 'x = 1' >unborn/f.py; commit unborn one 1700000000
git -C unborn symbolic-ref HEAD refs/heads/master
for repo in empty unborn bare.git; do
  import "$repo" "d-$repo" >out 2>err || fail "$repo: $(cat err)"
  expect_in "$repo" "no commits yet" "$(cat err)"
  status=0; "$DRIFTLINE" risk HEAD --repo "$repo" --data "d-$repo" >out 2>err || status=$?
  expect "risk in $repo" 4 "$status"
  expect_in "risk in $repo" "no commits yet" "$(cat err)"
  status=0; "$DRIFTLINE" risk HEAD --repo "$repo" --data "d-$repo" --abstain-ok >out 2>err || status=$?
  expect "risk --abstain-ok in $repo" 0 "$status"
done
expect_in "the branch that exists is named" "refs/heads/main" "$(import unborn d-unborn 2>&1)"

"$DRIFTLINE" up empty --data d --listen 127.0.0.1:0 >out 2>err & up=$!
for _ in $(seq 200); do grep -q following err && break; sleep 0.1; done
echo 'x = 1' >empty/f.py; commit empty one 1700000000
address=$(sed -n 's/.*http/http/p' out)
for _ in $(seq 100); do curl -sf "$address/v1/predictions/empty/$(git -C empty rev-parse HEAD)" >answer && break; sleep 0.1; done
expect_in "the first commit is answered" '"subject":"one"' "$(cat answer)"
kill "$up"; wait "$up" || true
# What was brought in is not withdrawn when the branch that is checked out has no commit yet.
git -C empty checkout -q --orphan other
expect "what the log holds stays" 1 "$(import empty d 2>/dev/null | python3 -c 'import json,sys; print(json.load(sys.stdin)["commits"])')"
