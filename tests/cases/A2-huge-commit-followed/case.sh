#!/usr/bin/env bash
# A repository that is followed gets one commit of 150,000 files of two bytes: the service goes on, counts every file and
# answers for the next commit.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"
git init -q --bare -b main repo
commits() { python3 - "$@" <<'PY'
import sys
out, kind = sys.stdout.buffer, sys.argv[1]
when = {"first": 1500000000, "huge": 1510000000, "last": 1520000000}[kind]
out.write(b"commit refs/heads/main\ncommitter A <a@example.org> %d +0000\ndata 4\nFix \n" % when)
if kind != "first":
    out.write(b"from refs/heads/main^0\n")
files = [(b"f/%d/%d" % (i % 300, i), b"%d\n" % (i % 10)) for i in range(150000)] if kind == "huge" else [(b"a.py", kind.encode() + b" = 1\n")]
for path, data in files:
    out.write(b"M 100644 inline %s\ndata %d\n%s\n" % (path, len(data), data))
PY
}
commits first | git -C repo fast-import --quiet
"$DRIFTLINE" up --repo repo --data data --listen 127.0.0.1:0 >said 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null || true' EXIT
for _ in $(seq 600); do grep -q 'up to date' said && break; sleep 0.1; done
address=$(sed -n 's/.*listens on //p' said)
ask() { python3 -c 'import sys,urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())' "$address$1"; }
commits huge | git -C repo fast-import --quiet --force
commits last | git -C repo fast-import --quiet --force
last=$(git -C repo rev-parse main)
huge=$(git -C repo rev-parse main~1)
for _ in $(seq 1200); do
  kill -0 $pid 2>/dev/null || fail "the service ended: $(tail -n 3 said)"
  ask "/v1/predictions/repo/$last" >answer 2>/dev/null && break
  sleep 0.1
done
expect_in "the prediction of the next commit" "$last" "$(cat answer)"
ask "/v1/features/repo/$huge" >features
python3 - <<'PY'
import json
body = json.load(open("features"))
values = {row["name"]: float(row["value"]) for row in body["features"]}
assert (values["nf"], values["la"]) == (150000, 150000), (values["nf"], values["la"])
PY
expect_in "readiness" '"ready":true' "$(ask /readyz)"
kill -INT $pid
wait $pid || fail "it ended with $?"
import repo data 2>said >again.json || fail "it does not start again: $(cat said)"
expect_in "a further start appends nothing" '"appended":0' "$(cat again.json)"
