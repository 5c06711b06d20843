#!/usr/bin/env bash
# A file holds a NUL byte for one commit: its lines keep their origins, and the commit that takes the byte out is not blamed.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"
functions() { for i in $(seq 1 50); do echo "int f$i(int a) { return a && $1$i; }"; done; }
init r
functions "" >r/m.c; commit r "Add functions" 1500000000
{ functions ""; printf '/* \0 */\n'; } >r/m.c; commit r "Add a picture of nothing" 1500100000
functions "" >r/m.c; commit r "Take the picture out" 1500200000
sed -i 's/a && 20;/a || 20;/' r/m.c; commit r "Fix crash in f20" 1500300000
import r data >out 2>said || fail "up ends with $?: $(cat said)"
label() { "$DRIFTLINE" explain "$1" --data data | grep -E '^label' || true; }
commits=($(git -C r rev-list --reverse HEAD))
expect_in "the commit that added the line" "label: Defective" "$(label "${commits[0]}")"
for i in 1 2; do
  case $(label "${commits[$i]}") in
    *Defective*) fail "$(git -C r log -1 --format=%s "${commits[$i]}") is called defective" ;;
  esac
done
