#!/usr/bin/env bash
# A clone that is made shallow while it is followed keeps what the log knows, before git collects the objects and after it.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"
init r
for number in $(seq 1 12); do echo "x = $number" >r/f.py; commit r "$number" $((1700000000 + number * 86400)); done
git clone -q "file://$WORK/r" clone
commits() { "$DRIFTLINE" up --repo clone --data d --listen 127.0.0.1:0 --exit-when-idle --json 2>/dev/null | grep -o '"commits":[0-9]*'; }
expect "the whole history" '"commits":12' "$(commits)"
git -C clone fetch -q --depth 3
expect "made shallow" '"commits":12' "$(commits)"
git -C clone reflog expire --expire=now --all
git -C clone gc -q --prune=now
expect "and collected" '"commits":12' "$(commits)"
echo 'x = 13' >r/f.py; commit r 13 1710000000
git -C clone fetch -q --depth 2 origin main
git -C clone reset -q --hard FETCH_HEAD
expect "and goes on" '"commits":13' "$(commits)"
