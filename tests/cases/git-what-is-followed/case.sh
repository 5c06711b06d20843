#!/usr/bin/env bash
# What is followed is what git says: ranges whatever clocks say, branches by their whole names, the repository and no other in
# its place, a detached HEAD alike before and after a restart; and a pipe in a repository makes nobody wait.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"
init r
for n in 1 2 3 4 5; do echo "x = $n" >r/a.py; commit r "Change $n" $((1700000000 + n * 100)); done
# A branch whose first commit has an old clock, merged.
git -C r checkout -q -b base HEAD~3
echo old >r/old; commit r "An old clock" @1000
echo base >r/base; commit r "After it" 1700000450
git -C r checkout -q main
GIT_AUTHOR_DATE="1700000700 +0000" GIT_COMMITTER_DATE="1700000700 +0000" git -C r merge -q --no-ff -m Merge base
status=0; "$DRIFTLINE" risk base..main --repo r --data range --author-key-file key --json >out 2>err || status=$?
expect "no verdict yet" 4 "$status"
expect "the commits of a range" "$(git -C r rev-list base..main | sort)" \
  "$(python3 -c 'import json,sys; print(*sorted(json.loads(line)["commit"] for line in sys.stdin), sep="\n")' <out)"
# Names of branches.
git -C r branch origin/main base
git -C r update-ref refs/remotes/origin/main main
git -C r tag v1 main~1
git -C r branch -q -D base
collect r all.jsonl --all-branches 2>/dev/null
expect "commits of all branches" "$(git -C r rev-list --count --all)" "$(wc -l <all.jsonl)"
for name in v1 main~1 mian; do
  status=0; collect r no.jsonl --branch $name 2>err || status=$?
  expect "--branch $name" 1 "$status"
  expect_in "--branch $name" "is no branch of repository" "$(cat err)"
done
expect_in "near names" "main" "$(cat err)"
git -C r checkout -q -b "$(printf 'caf\351')"; echo 'z = 1' >r/z.py; commit r "On a branch of another encoding" 1700000800
collect r odd.jsonl 2>/dev/null
expect "commits of a branch whose name is no text" 9 "$(wc -l <odd.jsonl)"
git -C r checkout -q main
# Live.
"$DRIFTLINE" up --repo r --data data --listen 127.0.0.1:0 >out 2>err & pid=$!
trap 'kill $pid 2>/dev/null || true' EXIT
for _ in $(seq 100); do grep -q 'up to date' err && break; sleep 0.1; done
address=$(sed -n 's/.*listens on //p' out)
repos() { curl -sf "$address/v1/repos"; }
wait_for() { for _ in $(seq 150); do repos | grep -q "$1" && return; sleep 0.1; done; fail "$1 is not in $(repos)"; }
wait_for '"changes":8'
git -C r checkout -q "$(printf 'caf\351')"; wait_for '"changes":9'
git -C r checkout -q --detach; echo 'd = 1' >r/d.py; commit r "On a detached head" 1700000900
init other; echo 1 >other/f; commit other "Another project" 1700000000
mv r kept; mv other r
wait_for 'another repository stands where'
wait_for '"changes":9'
mv r other; mv kept r
wait_for '"state":"following"'
kill -TERM $pid; wait $pid || fail "up ends with $?"
expect "nothing is taken or withdrawn by a restart" "9 0" "$(import r data 2>words | tail -n 1 |
  python3 -c 'import json,sys; s=json.load(sys.stdin); print(s["commits"], s["appended"])')"
# Pipes.
for file in objects/info/alternates objects/info/commit-graph refs/heads/main; do
  rm -rf piped; git clone -q r piped 2>/dev/null; git -C piped checkout -q -B main
  rm -f "piped/.git/$file"; mkfifo "piped/.git/$file"
  for line in "risk HEAD --repo piped --data p" "up --repo piped --data p --listen 127.0.0.1:0 --exit-when-idle"; do
    status=0; timeout 20 "$DRIFTLINE" $line >out 2>err </dev/null || status=$?
    expect "$line with a pipe as $file" 1 "$status"
    expect_in "$line with a pipe as $file" "named pipe" "$(cat err)"
  done
done
