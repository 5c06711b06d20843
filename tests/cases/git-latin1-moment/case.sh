#!/usr/bin/env bash
# One byte of Latin-1 in a comment for two commits: the lines that git says change, and the fix blames the first commit.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"
init r
python3 - <<'P'
import subprocess, os
lines = ["int f%d(int a) { return a && %d; }\n" % (i, i) for i in range(300)]
day, start = 86400, 1500000000
def put(encoding, message, when, author):
    open("r/m.c", "wb").write("".join(lines).encode(encoding))
    subprocess.run(["git", "-C", "r", "add", "-A"], check=True)
    settings = ["-c", "user.name=" + author, "-c", "user.email=%s@example.org" % author]
    time = {"GIT_AUTHOR_DATE": "%d +0000" % when, "GIT_COMMITTER_DATE": "%d +0000" % when}
    subprocess.run(["git", "-C", "r", *settings, "commit", "-qm", message], check=True, env={**os.environ, **time})
put("utf8", "Add functions", start, "ann")
lines[10] = "/* caf\u00e9 */ int f10(int a) { return a; }\n"; put("latin-1", "Comment", start + day, "bob")
lines[20] = "int f20(int a) { return a + 1; }\n"; put("latin-1", "Change f20", start + 2 * day, "cyd")
lines[10] = "int f10(int a) { return a; }\n"; put("utf8", "Drop the comment", start + 3 * day, "dan")
lines[200] = "int f200(int a) { return a || 200; }\n"; put("utf8", "Fix crash in f200", start + 4 * day, "eve")
P
collect r events.jsonl 2>said || fail "collect ends with $?: $(cat said)"
seen=$(python3 -c '
import json
for line in open("events.jsonl"):
    file = json.loads(line)["change"]["files"][0]
    print(sum(h["new_lines"] for h in file["hunks"]), sum(h["old_lines"] for h in file["hunks"]), file.get("encoding"))')
expect "lines added, lines removed, encoding" "300 0 None
1 1 latin1
1 1 latin1
1 1 None
1 1 None" "$seen"
import r data >out 2>said || fail "up ends with $?: $(cat said)"
expect_in "the summary" '"rejected":0' "$(tr -d ' ' <out)"
# The fix of line 201 blames the commit that wrote it, and no other is called defective.
for commit in $(git -C r rev-list --reverse HEAD); do
  case $("$DRIFTLINE" explain "$commit" --data data) in *"szz says"*) git -C r log -1 --format=%s "$commit" ;; esac
done >blamed
expect "blamed" "$(git -C r blame HEAD~1 -L 201,201 -s -- m.c | cut -d' ' -f1 | tr -d ^ | xargs git -C r log -1 --format=%s)" "$(cat blamed)"
