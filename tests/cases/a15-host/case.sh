#!/usr/bin/env bash
# A15: a request under a foreign host name (DNS rebinding) is refused, and the answer says how to allow a name.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"
soon() { for _ in $(seq 100); do "$@" && return 0; sleep 0.1; done; fail "within 10 s: $*"; }
init one; echo 'x = 1' >one/a.py; commit one first 1700000000
start() { "$DRIFTLINE" up --repo one --data data --author-key-file key "$@" >out 2>err & up=$!; soon grep -q 'up to date' err; url=$(grep -o 'http://[0-9.:]*' out); }
stop() { kill $up; wait $up || true; }
trap 'kill $up 2>/dev/null || true' EXIT
status() { curl -s -o body -w '%{http_code}' "$@"; }
start --listen 127.0.0.1:0 --allow-host code.example.org
port=${url##*:}
expect "a foreign host" 421 "$(status -H 'Host: evil.example.com' "$url/v1/repos")"
expect_in "the answer says how to allow it" 'allow-host evil.example.com' "$(cat body)"
expect "localhost" 200 "$(status "http://localhost:$port/v1/repos")"
expect "an allowed name" 200 "$(status -H 'Host: code.example.org' "$url/v1/repos")"
expect "no host" 400 "$(status -H 'Host:' "$url/v1/repos")"
expect "metrics as well" 421 "$(status -H 'Host: evil.example.com' "$url/metrics")"
stop
start --listen 0.0.0.0:0
url=${url/0.0.0.0/127.0.0.1}
expect "an address" 200 "$(status -H 'Host: 10.1.2.3:9' "$url/metrics")"
expect "a name of one word, as in a compose network" 200 "$(status -H 'Host: driftline:7070' "$url/metrics")"
expect "a foreign host" 421 "$(status -H 'Host: evil.example.com' "$url/metrics")"
stop
status=0; "$DRIFTLINE" up --repo one --data data --author-key-file key --listen 127.0.0.1:0 --allow-host 'http://x' >out 2>err || status=$?
[ "$status" -ne 0 ] || fail "an address is no name"
expect_in "it says so" 'is no host name' "$(cat err)"
