#!/usr/bin/env bash
# A history with commits beyond the limits of an event, killed half way at several moments: the answer of an undisturbed run,
# and a further start appends nothing.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"
git init -q --bare -b main repo
python3 - <<'PY' | git -C repo fast-import --quiet --force
import sys
out = sys.stdout.buffer
def commit(number, files):
    out.write(b"commit refs/heads/main\ncommitter A <a@example.org> %d +0000\ndata 4\nFix \n" % (1500000000 + 3600 * number))
    for path, data in files:
        out.write(b"M 100644 inline %s\ndata %d\n%s\n" % (path, len(data), data))
for number in range(260):
    files = [(b"f%d.py" % (number % 7), b"def f(a):\n    return a or %d\n" % number)]
    if number in (90, 259):
        files += [(b"v%d/%d.txt" % (number, i), b"%d\n" % i) for i in range(20001)]
    commit(number, files)
PY
field() { python3 -c 'import json,sys; print(json.loads(sys.stdin.read().splitlines()[-1])[sys.argv[1]])' "$1"; }
import repo undisturbed 2>said >undisturbed.json
digest=$(field digest <undisturbed.json)
expect "rejects" 0 "$(field rejected <undisturbed.json)"
for delay in 0.2 0.5 1.1; do
  "$DRIFTLINE" up --repo repo --data "killed-$delay" --listen 127.0.0.1:0 --exit-when-idle --json >/dev/null 2>&1 &
  pid=$!
  sleep $delay
  kill -9 $pid 2>/dev/null || true
  wait $pid 2>/dev/null || true
  import repo "killed-$delay" 2>said >again.json
  expect "the digest after a kill at $delay s" "$digest" "$(field digest <again.json)"
done
import repo undisturbed 2>said >again.json
expect "records appended by a further start" 0 "$(field appended <again.json)"
expect "the digest of a further start" "$digest" "$(field digest <again.json)"
