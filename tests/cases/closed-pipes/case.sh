#!/usr/bin/env bash
# A14: whoever reads may stop early. No command panics, codes stay, and `up` goes on and shuts down in order.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"
init r; echo 'def f(a): return a' >r/f.py; commit r one 1700000000
head=$(git -C r rev-parse HEAD)
import r d >/dev/null 2>&1
closed() {
  local status
  set +o pipefail
  "$@" 2>err | true; status=${PIPESTATUS[0]}
  set -o pipefail
  ! grep -q panicked err || fail "$*: $(cat err)"
  [ "$status" = 0 ] || [ "$status" = 4 ] || fail "$*: code $status, $(cat err)"
}
for line in --help "up --help" "explain $head --data d" "explain $head --data d --json" "export --data d --out x.parquet" \
  "replay --verify --data d" "metrics r" "metrics r --json" "metrics r --csv" "metrics r --sarif" "collect git r --out -" \
  "risk HEAD --repo r --data d" "risk HEAD --repo r --data d --json" "up --repo r --data d --listen 127.0.0.1:0 --exit-when-idle"; do
  # Words of these lines hold no blanks.
  closed "$DRIFTLINE" $line
done
# Both outputs closed: the code is still that of the verdict.
status=$( { { "$DRIFTLINE" risk HEAD --repo r --data d 2>&1; echo $? >&3; } | true; } 3>&1 )
expect "the verdict with both outputs closed" 4 "$status"

"$DRIFTLINE" up --repo r --data d --listen 127.0.0.1:0 2>up.err > >(head -n 1 >first) & up=$!
for _ in $(seq 200); do grep -q following up.err 2>/dev/null && break; sleep 0.1; done
expect_in "the first line is read" "driftline listens on http://" "$(cat first)"
address=$(sed 's/.*http/http/' first)
curl -sf "$address/v1/predictions/r/$head" >/dev/null || fail "it does not serve once its reader is gone"
kill -TERM "$up"
status=0; wait "$up" || status=$?
expect "it ends in order" 0 "$status"
! grep -q panicked up.err || fail "$(cat up.err)"
