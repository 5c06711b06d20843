#!/usr/bin/env bash
# A4: one of two followed repositories is moved away. The other goes on, the outage is one line in the log and one when it
# is over, and /readyz, /v1/repos and /metrics say which repository is missing and why.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"
soon() { for _ in $(seq 150); do "$@" && return 0; sleep 0.1; done; fail "within 15 s: $*"; }
has() { curl -sf "$url/v1/predictions/$1/$2" >/dev/null; }
state() { curl -sf "$url/v1/repos" | python3 -c 'import json,sys; print(next((r.get("state") for r in json.load(sys.stdin)["repositories"] if r["repository"] == sys.argv[1]), None))' "$1"; }
is() { [ "$(state "$1")" = "$2" ]; }
for name in one two; do init $name; echo 'x = 1' >$name/a.py; commit $name first 1700000000; done
# One that is missing at the start is said, and the others are followed.
"$DRIFTLINE" up --repo one --repo two --repo three --data data --listen 127.0.0.1:0 --author-key-file key >out 2>err &
up=$!
trap 'kill $up 2>/dev/null || true; wait $up 2>/dev/null || true' EXIT
soon grep -q 'following 2 of 3' err
url=$(grep -o 'http://[0-9.:]*' out)
expect "a repository that was never there" missing "$(state three)"
lines() { grep -c 'cannot be followed' err || true; }
expect "one line for it" 1 "$(lines)"
mv one away
soon is one missing
echo 'x = 2' >two/a.py; commit two second 1700000100
soon has two "$(git -C two rev-parse HEAD)"
ready=$(curl -s -w ' %{http_code}' "$url/readyz")
expect_in "readiness" '2 of 3 repositories cannot be followed' "$ready"
expect_in "readiness names it" 'one is missing since' "$ready"
expect_in "it is still ready" ' 200' "$ready"
expect_in "metrics" 'driftline_repository_up{repository="one"} 0' "$(curl -s "$url/metrics")"
expect_in "metrics" 'driftline_repository_up{repository="two"} 1' "$(curl -s "$url/metrics")"
sleep 3
expect "one line an outage, however often it is tried" 2 "$(lines)"
mv two gone
soon is two missing
expect_in "not ready when all are gone" ' 503' "$(curl -s -w ' %{http_code}' "$url/readyz")"
mv gone two; mv away one
echo 'x = 3' >one/a.py; commit one second 1700000200
init three; echo 'x = 1' >three/a.py; commit three first 1700000300
for name in one two three; do soon is $name following; soon has $name "$(git -C $name rev-parse HEAD)"; done
expect_in "ready again" '"repositories":"ok"' "$(curl -s "$url/readyz")"
expect "one line when each outage is over" 3 "$(grep -c 'trouble with a repository is over' err)"
kill $up; status=0; wait $up || status=$?
expect "it ends when asked to" 0 "$status"
trap - EXIT
# Alone, or at the end of a run that does not follow: an error.
status=0; "$DRIFTLINE" up --repo nowhere --data fresh --listen 127.0.0.1:0 --author-key-file key >out 2>err || status=$?
expect "the only repository is not there" 1 "$status"
expect_in "its error names it" nowhere "$(cat err)"
status=0; import one fresh --author-key-file key --repo nowhere >out 2>err || status=$?
expect "a summary that lacks a repository is no success" 1 "$status"
expect_in "its error" '1 of 2 repositories could not be brought in' "$(cat err)"
expect_in "and what is there is there" '"commits":2' "$(cat out)"
