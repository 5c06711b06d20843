#!/usr/bin/env bash
# Whether change events say of every file change of every non-merge commit what `git log -M --numstat` says: the kind, the
# old path of a rename, the lines added and removed; or a named rule explains the difference.
# Usage: tests/git_agreement/run.sh BINARY [REPOSITORY...]; without repositories, histories made here from three seeds and
# the project's own are compared. The last line counts passed, failed and skipped.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
binary=$(realpath "$1"); shift
command -v python3 >/dev/null || { echo "python3 is needed"; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0 skipped=0
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
if [ $# -eq 0 ]; then
  for seed in 1 2 3; do
    git init -q --bare -b main "$scratch/made-$seed.git"
    python3 "$here/generate.py" "$seed" | git --git-dir "$scratch/made-$seed.git" fast-import --quiet --force
    set -- "$@" "$scratch/made-$seed.git"
  done
  if git -C "$here" rev-parse -q --verify HEAD >/dev/null 2>&1 && [ "$(git -C "$here" rev-parse --is-shallow-repository)" = false ]; then
    set -- "$@" "$(git -C "$here" rev-parse --show-toplevel)"
  else
    echo "SKIPPED  the project's own history: there is none here, or only a part"; skipped=1
  fi
fi
for repository in "$@"; do
  start=$SECONDS
  if "$binary" collect git "$repository" --out "$scratch/events.jsonl" --author-key-file "$scratch/key" 2>"$scratch/said" &&
    python3 "$here/agree.py" "$repository" "$scratch/events.jsonl"; then
    passed=$((passed + 1)); echo "passed   $repository ($((SECONDS - start)) s)"
  else
    failed=$((failed + 1)); echo "FAILED   $repository"; cat "$scratch/said"
  fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
