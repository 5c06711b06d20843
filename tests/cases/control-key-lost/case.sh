#!/usr/bin/env bash
# The key that seals control records is gone or another: refused with advice, never all models as rejects in silence.
set -euo pipefail
source "$ROOT/tests/cases/kit.sh"
source "$ROOT/tests/common.sh"
export DRIFTLINE_AUTHOR_KEY_FILE=$WORK/author.key
make_history repo 220
right=$(import repo data 2>err | tail -n 1 | field '["digest"]')
[ -f control.key ] || fail "the control key does not lie beside the author key"
expect "mode of the key" 600 "$(stat -c %a control.key)"
mv control.key kept.key
status=0; import repo data >out 2>err || status=$?
expect "status without the key" 1 "$status"
expect_in "advice" "driftline check --data data --new-control-key" "$(cat err)"
[ ! -e control.key ] || fail "another key was made in silence"
head -c 32 /dev/urandom >control.key
status=0; import repo data >out 2>err || status=$?
expect "status with another key" 1 "$status"
expect_in "what is said" "holds another control key" "$(cat err)"
seen=$(import repo data --control-key-file kept.key 2>err | tail -n 1 | field '["digest"]')
expect "digest with the key named" "$right" "$seen"
rm kept.key
"$DRIFTLINE" check --data data --new-control-key --control-key-file control.key >out 2>err || fail "$(cat out err)"
summary=$(import repo data 2>err | tail -n 1)
expect "digest under the new key" "$right" "$(field '["digest"]' <<<"$summary")"
expect "rejects under the new key" 0 "$(field '["rejected"]' <<<"$summary")"
"$DRIFTLINE" replay --verify --data data >out 2>err || fail "replays differ: $(cat out err)"
