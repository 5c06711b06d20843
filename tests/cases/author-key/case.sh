#!/usr/bin/env bash
# A17: a data folder is written under one author key; a lost or another key is refused, and none is made in its place.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"
init r; echo 'x = 1' >r/f.py; commit r one 1700000000
import r d >/dev/null 2>&1
key=$XDG_CONFIG_HOME/driftline/author.key
[ -f "$key" ] || fail "no key was made at $key"
cp "$key" kept
rm "$key"
status=0; import r d >out 2>err || status=$?
expect "a lost key" 1 "$status"
expect_in "what to do is said" "bring it back from a copy" "$(cat err)"
[ ! -e "$key" ] || fail "a new key was made"
head -c 32 /dev/urandom >"$key"; chmod 600 "$key"
status=0; "$DRIFTLINE" risk HEAD --repo r --data d >out 2>err || status=$?
expect "another key" 1 "$status"
expect_in "what to do is said" "--author-key-file" "$(cat err)"
import r d --author-key-file kept >/dev/null 2>&1
# A folder of an earlier version has no fingerprint: the first opening with a key leaves one.
rm d/author-key.fingerprint "$key"
status=0; import r d >out 2>err || status=$?
expect "no new key for an earlier folder" 1 "$status"
import r d --author-key-file kept >/dev/null 2>&1
[ -s d/author-key.fingerprint ] || fail "no fingerprint was left"
! grep -q "$(od -An -tx1 kept | tr -d ' \n' | head -c 16)" d/author-key.fingerprint || fail "the fingerprint is the key"
