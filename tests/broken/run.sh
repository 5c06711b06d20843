#!/usr/bin/env bash
# Breaks the engine on purpose, one fault at a time in a copy of the working tree, and checks that the suite that guards the law
# goes red. Not part of the gate: each fault compiles the engine once more. CARGO_TARGET_DIR may name a folder to reuse.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/common.sh
copy=$(mktemp -d); trap 'rm -rf "$copy"' EXIT
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$copy/target}
git ls-files -z | tar --null -T - -cf - | tar -xf - -C "$copy"
cd "$copy" || exit 1

# fault NAME FILE OLD NEW [OLD NEW]... -- CARGO TEST ARGUMENTS: the tests must pass without the fault and fail with it.
fault() {
  local name=$1 file=$2; shift 2
  cp "$file" "$copy/intact"
  local status=0
  while [ "$1" != "--" ]; do
    python3 - "$file" "$1" "$2" <<'PY' || status=1
import sys
path, old, new = sys.argv[1:]
text = open(path).read()
if text.count(old) != 1:
    sys.exit("%s holds %d times: %s" % (path, text.count(old), old))
open(path, "w").write(text.replace(old, new))
PY
    shift 2
  done
  shift
  if [ "$status" -ne 0 ]; then bad "$name: the fault can be planted"; cp "$copy/intact" "$file"; return; fi
  cargo test --locked --no-run "$@" >"$copy/log" 2>&1 || { bad "$name: it compiles"; tail -n 20 "$copy/log"; cp "$copy/intact" "$file"; return; }
  if timeout 300 cargo test --locked "$@" >"$copy/log" 2>&1; then bad "$name: the suite stays green"; else ok "$name: the suite goes red"; fi
  grep -E '^(test .* FAILED|test result: FAILED)' "$copy/log" | sed 's/^/    /'
  cp "$copy/intact" "$file"
}

fault "a wrong operator (a change counts twice)" operators/src/history/state.rs \
  '        file.changes += 1;' '        file.changes += 2;' -- -p driftline-operators --lib history::
fault "a retraction that forgets (reverts stay)" operators/src/history/state.rs \
  'Edit::Reverted { file } => self.files[file as usize].reverts -= 1,' 'Edit::Reverted { file } => drop(file),' \
  -- -p driftline-operators --lib history::
fault "a lost event (one record in sixteen is skipped)" dataflow/src/source/embedded.rs \
  'Some(record) => Next::Record(record),' 'Some(record) if record.position.offset % 16 != 7 => Next::Record(record),
            Some(_) => return self.next(partition),' -- -p driftline-testkit --test rejects
fault "a future leak (history is read backwards)" operators/src/history.rs \
  '(row.key.position, row)' '(Position { offset: u64::MAX - row.key.position.offset, ..row.key.position }, row)' \
  'ChangeKey { repo, position }' 'ChangeKey { repo, position: Position { offset: u64::MAX - position.offset, ..position } }' \
  -- -p driftline-testkit --test no_future
fault "a force-push that is not followed" operators/src/live.rs \
  'withdrawn.is_none_or(|withdrawn| row.key.position > withdrawn)' 'withdrawn.is_none_or(|_| row.key.position.offset < u64::MAX)' \
  -- -p driftline-testkit --test retraction
finish
