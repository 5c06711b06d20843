#!/usr/bin/env bash
# A history whose process never changes raises no alert; the same history with much larger commits from one day on does.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"
cat >make.py <<'P'
import random, subprocess, sys
folder, commits, seed, shift = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
random.seed(seed)
subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
def function(i):
    return f"def f{i}(a, b):\n    if a > {random.randint(0, 9)} and b:\n        return a\n    return {random.randint(0, 9)}\n"
files = [[function(i) for i in range(40)] for _ in range(20)]
stream, time = b"", 1500000000
for commit in range(1, commits + 1):
    time += random.randint(3000, 9000)
    touched = set(range(20)) if commit == 1 else set()
    for _ in range(random.randint(1, 3) if commit <= shift else random.randint(12, 20)):
        file = random.randrange(20)
        files[file][random.randrange(40)] = function(random.randrange(1000))
        touched.add(file)
    author = random.randrange(4)
    message = random.choice([b"Fix wrong bound", b"Add a case", b"Speed up the loop", b"Rename things"])
    stream += b"commit refs/heads/main\nauthor A%d <a%d@example.org> %d +0000\n" % (author, author, time)
    stream += b"committer A <a@example.org> %d +0000\ndata %d\n%s\n" % (time, len(message), message)
    for file in sorted(touched):
        text = "".join(files[file]).encode()
        stream += b"M 100644 inline p/m%d.py\ndata %d\n%s\n" % (file, len(text), text)
subprocess.run(["git", "-C", folder, "fast-import", "--quiet"], input=stream, check=True)
P
# alerts NAME SEED SHIFT: how many alerts a history of 1,200 commits has.
alerts() {
  python3 make.py "$1" 1200 "$2" "$3"
  import "$1" "data-$1" >"$1.json" 2>"$1.err" || fail "up ends with $?: $(cat "$1.err")"
  python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["alerts"])' "$1.json"
}
expect "alerts of a history that never changes" 0 "$(alerts same 1 9999)"
[ "$(alerts larger 4 800)" -gt 0 ] || fail "commits became six times as large after 800, and no alert says so"
