#!/usr/bin/env bash
# Thirteen objects that name 10^12 paths, and seven that name 10^6: the walk ends at its allowance, which the event says, and
# the engine goes on in bounded memory.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"
for levels in 12 6; do
  repo=repo-$levels
  init $repo
  echo 'x = 1' >$repo/a.py
  commit $repo first 1500000000
  id=$(echo y | git -C $repo hash-object -w --stdin)
  entry="100644 blob"
  for _ in $(seq $levels); do
    id=$(for name in 0 1 2 3 4 5 6 7 8 9; do printf '%s %s\tn%s\n' "$entry" $id $name; done | git -C $repo mktree)
    entry="040000 tree"
  done
  huge=$(GIT_AUTHOR_DATE="1510000000 +0000" GIT_COMMITTER_DATE="1510000000 +0000" git -C $repo commit-tree $id -p HEAD -m huge)
  last=$(GIT_AUTHOR_DATE="1520000000 +0000" GIT_COMMITTER_DATE="1520000000 +0000" \
    git -C $repo commit-tree "$(git -C $repo rev-parse 'HEAD^{tree}')" -p $huge -m last)
  git -C $repo update-ref refs/heads/main $last
done
collect repo-6 events.jsonl
python3 - <<'PY'
import json
changes = [json.loads(line)["change"] for line in open("events.jsonl")]
assert len(changes) == 3
for change in changes[1:]:
    assert change["left_out"]["uncounted"] and len(change["files"]) <= 20000, change["left_out"]
PY
import repo-12 data 2>said >summary.json || fail "it ended with $?: $(cat said)"
python3 - <<'PY'
import json
summary = json.load(open("summary.json"))
assert (summary["rejected"], summary["commits"]) == (0, 3), summary
assert summary["peak_rss_bytes"] < 500 << 20, f"{summary['peak_rss_bytes'] >> 20} MiB"
PY
