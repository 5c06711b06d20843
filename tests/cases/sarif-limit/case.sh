#!/usr/bin/env bash
# A log of smells holds no more results than code hosts take, the most severe first, and says what it leaves out.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"

mkdir many
for file in 01 02 03 04 05 06 07 08 09 10 11 12; do
  { echo 'def numbers():'; seq 1 2500 | sed 's/.*/    f(&.5)/'
    echo 'def dead():'; echo '    return 1'; echo '    f()'; } > "many/$file.py"
done
"$DRIFTLINE" metrics many --sarif > log.sarif 2> said
expect "results" 25000 "$(grep -c '"ruleId"' log.sarif)"
expect "the first result" 'dead_code' "$(grep -m 1 '"ruleId"' log.sarif | sed 's/.*: "\(.*\)".*/\1/')"
expect "kept unreachable statements" 12 "$(grep -c '"ruleId": "dead_code"' log.sarif)"
expect_in "standard error" 'smells were found, and the log holds the 25000 most severe ones' "$(cat said)"
expect_in "the notification" 'smells were found, and the log holds the 25000 most severe ones' "$(grep '"text": ".* smells were found' log.sarif)"

# Few results: nothing is said, and fingerprints stay though lines move.
printf 'def g():\n    return 1\n    f(7)\n' > one.py
"$DRIFTLINE" metrics one.py --sarif > before.sarif 2> said
expect "standard error" '' "$(cat said)"
{ echo '# moved'; echo; cat one.py; } > two.py; mv two.py one.py
"$DRIFTLINE" metrics one.py --sarif > after.sarif
prints() { grep '"driftline/v1"' "$1"; }
expect "fingerprints" "$(prints before.sarif)" "$(prints after.sarif)"
[ -n "$(prints before.sarif)" ] || fail "there are no fingerprints"
