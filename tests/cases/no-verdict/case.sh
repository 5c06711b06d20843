#!/usr/bin/env bash
# `risk` never passes in silence: shallow clones, abstentions and empty ranges end with 4 and say why; what is over outweighs.
set -euo pipefail
. "$ROOT/tests/common.sh"
make_history "$WORK/r" 320
. "$ROOT/tests/cases/kit.sh"
import r d >/dev/null 2>&1
# risk CODE WORDS RANGE [OPTION...]
risk() {
  local wanted=$1 words=$2 status=0; shift 2
  "$DRIFTLINE" risk "$@" >out 2>err || status=$?
  expect "risk $*" "$wanted" "$status"
  [ -z "$words" ] || expect_in "risk $*" "$words" "$(cat err)"
}
risk 0 "" HEAD~3..HEAD --repo r --data d
risk 3 "$(git -C r rev-parse HEAD~1 | cut -c1-12)" HEAD~3..HEAD --repo r --data d --fail-over 0
risk 3 "" HEAD~3..HEAD --repo r --data d --fail-over 0 --json
expect "JSON names what is over" 3 "$(grep -c '"verdict":"over"' out)"
risk 4 "the range holds no commit" HEAD..HEAD --repo r --data d
risk 0 "the range holds no commit" HEAD..HEAD --repo r --data d --abstain-ok
risk 2 "means commits of both sides" HEAD~1...HEAD --repo r --data d
init young; echo 'x = 1' >young/f.py; commit young one 1700000000
risk 4 "abstains (not enough history)" HEAD --repo young --data y --fail-over 0.9
risk 0 "abstains (not enough history)" HEAD --repo young --data y --fail-over 0.9 --abstain-ok

# Refused before the replay: the data folder is not even made.
git -C r switch -q -c aside HEAD~5
git -C r -c user.name=A -c user.email=a@example.org commit -q --allow-empty -m aside
git -C r switch -q main
risk 1 "git switch aside" main..aside --repo r --data never
risk 1 "names no commit" nowhere..HEAD --repo r --data never
[ ! -e never ] || fail "a replay began before the refusal"

git clone -q --depth 5 "file://$WORK/r" shallow
risk 4 "git fetch --unshallow" HEAD~2..HEAD --repo shallow --data s
risk 4 "fetch-depth: 0" HEAD~50..HEAD --repo shallow --data s
risk 0 "git fetch --unshallow" HEAD~2..HEAD --repo shallow --data s --abstain-ok
# Where the log knows what the clone lacks, as with a data folder kept between CI runs, nothing is missing.
before=$("$DRIFTLINE" risk HEAD~2..HEAD --repo r --data d --json | grep -o '"risk":[0-9.]*')
risk 0 "" HEAD~2..HEAD --repo r=shallow --data d --json
expect "the verdicts of the whole clone" "$before" "$(grep -o '"risk":[0-9.]*' out)"
