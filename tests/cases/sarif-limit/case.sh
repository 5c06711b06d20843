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

# A megabyte of smells takes no more memory than measuring it: results are written one by one.
seq 0 69999 | sed 's/.*/v&=&/' > dense.py
for _ in $(seq 1 50000); do echo 'try{a()}catch(e){}'; done > dense.js
printf 'a = 1\n' > small.py
peak_kb() {
  python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$DRIFTLINE" metrics "$@"
}
idle=$(peak_kb small.py --sarif)
for file in dense.py dense.js; do
  taken=$(($(peak_kb $file --sarif) - idle))
  [ "$taken" -lt 200000 ] || fail "$file took $taken KB above what an empty run takes"
done
