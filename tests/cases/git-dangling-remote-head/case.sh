#!/usr/bin/env bash
# The default branch was renamed on the remote: the clone's `origin/HEAD` leads nowhere, which is said and passed over.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"
git init -q -b master up
git -C up config user.name A; git -C up config user.email a@example.org
echo 1 >up/f; commit up one 1500000000
git clone -q up down
git -C up branch -q -m master main
git -C down fetch -q --prune
git -C down checkout -q -b main origin/main
git -C down branch -q -D master
[ "$(git -C down symbolic-ref refs/remotes/origin/HEAD)" = refs/remotes/origin/master ] || exit 77
collect down events.jsonl --all-branches 2>said || fail "collect ends with $?: $(cat said)"
expect "events" 1 "$(wc -l <events.jsonl)"
expect_in "what is said" "origin/HEAD" "$(cat said)"
