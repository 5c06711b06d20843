#!/usr/bin/env bash
# Commits beyond the limits of an event: what fits is kept, the rest is counted, and lines are exact as git counts them.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"

stream() {
  python3 - "$1" <<'PY'
import sys
out = sys.stdout.buffer
def commit(mark, when, files):
    out.write(b"commit refs/heads/main\nmark :%d\ncommitter A <a@example.org> %d +0000\ndata 4\nFix \n" % (mark, when))
    for path, data in files:
        out.write(b"M 100644 inline %s\ndata %d\n%s\n" % (path, len(data), data))
kind = sys.argv[1]
if kind == "files":  # one file more than an event holds
    commit(1, 1500000000, [(b"v/%d/f%d.py" % (i % 100, i), b"def f(a):\n    return a and %d\n" % i) for i in range(20001)])
    commit(2, 1510000000, [(b"v/0/f0.py", b"def f(a):\n    return a or 1\n")])
elif kind == "hunks":  # 220,000 hunks in 40 files
    base = [b"x%d = %d\n" % (i, i) for i in range(11000)]
    changed = [line if i % 2 else line.replace(b" = ", b"=") for i, line in enumerate(base)]
    commit(1, 1500000000, [(b"m%d.py" % k, b"".join(base)) for k in range(40)])
    commit(2, 1510000000, [(b"m%d.py" % k, b"".join(changed)) for k in range(40)])
    commit(3, 1520000000, [(b"c.py", b"x = 1\n")])
else:  # paths that are larger than an event together
    name = b"n" * 200
    commit(1, 1500000000, [(b"/".join([name] * 5) + b"/%d.txt" % i, b"l%d\n" % i) for i in range(19000)])
    commit(2, 1510000000, [(b"c.py", b"x = 1\n")])
PY
}

for kind in files hunks paths; do
  git init -q --bare -b main $kind
  stream $kind | git -C $kind fast-import --quiet --force
  collect $kind $kind.jsonl 2>$kind.said
  git -C $kind log --reverse --format=tformat:commit --numstat >$kind.git
  python3 - $kind <<'PY'
import json, sys
kind = sys.argv[1]
wanted = []
for line in open(kind + ".git"):
    if line == "commit\n":
        wanted.append([0, 0, 0])
    elif line.strip():
        added, removed, _ = line.split("\t")
        wanted[-1] = [wanted[-1][0] + 1, wanted[-1][1] + int(added), wanted[-1][2] + int(removed)]
for number, line in enumerate(open(kind + ".jsonl")):
    assert len(line) <= 16 << 20, f"{kind}: event {number} has {len(line)} bytes"
    change = json.loads(line)["change"]
    left_out = change.get("left_out", {})
    seen = [len(change["files"]) + left_out.get("files", 0), left_out.get("lines_added", 0), left_out.get("lines_removed", 0)]
    for file in change["files"]:
        hunks, counts = file.get("hunks", []), file.get("line_counts")
        seen[1] += counts["added"] if counts else sum(hunk["new_lines"] for hunk in hunks)
        seen[2] += counts["removed"] if counts else sum(hunk["old_lines"] for hunk in hunks)
    assert seen == wanted[number], f"{kind}: change {number}: git says {wanted[number]}, the event {seen}"
    if kind == "files" and number == 0:
        assert left_out["files"] == 1 and len(change["files"]) == 20000, left_out
    if kind == "hunks" and number == 1:
        assert left_out["hunks"] > 0, left_out
PY
  import $kind data-$kind 2>$kind.up >$kind.json || fail "$kind: up ended with $?: $(cat $kind.up)"
  expect "$kind: rejects" 0 "$(python3 -c 'import json,sys; print(json.load(sys.stdin)["rejected"])' <$kind.json)"
done
