#!/usr/bin/env bash
# A18: what could move a terminal's cursor, colour it or turn text around is shown escaped; JSON still carries it.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"
bad=$(printf '\033]0;x\007\033[31m\302\233\342\200\256')
init "r$bad"
mkdir "r$bad/d$bad"; printf 'def f(a):\n    return a\n' >"r$bad/d$bad/$bad.py"; commit "r$bad" "sub${bad}ject" 1700000000
head=$(git -C "r$bad" rev-parse HEAD)
{
  import "r$bad" d || true
  "$DRIFTLINE" up "r$bad" --data d --listen 127.0.0.1:0 --exit-when-idle || true
  "$DRIFTLINE" risk HEAD --repo "r$bad" --data d || true
  "$DRIFTLINE" risk HEAD --repo "r$bad" --data d --json || true
  "$DRIFTLINE" explain "$head" --data d || true
  "$DRIFTLINE" metrics "r$bad" || true
  "$DRIFTLINE" metrics "r$bad" --csv || true
  "$DRIFTLINE" metrics "r$bad" --fail-over ploc=1 || true
  "$DRIFTLINE" metrics "no$bad" || true
  "$DRIFTLINE" collect git "r$bad" --out "e$bad" --author-key-file key || true
  "$DRIFTLINE" collect git "no$bad" --out e --author-key-file key || true
  "$DRIFTLINE" up "no$bad" --data d || true
  "$DRIFTLINE" up "r$bad" --data "n$bad/../d/LOCK" || true
  "$DRIFTLINE" risk "$bad" --repo "r$bad" --data d || true
  "$DRIFTLINE" explain "$bad" --data d || true
  "$DRIFTLINE" explain abcdef --data "no$bad" || true
  "$DRIFTLINE" check --config "no$bad" || true
  "$DRIFTLINE" export --data d --out "no$bad/x" || true
  "$DRIFTLINE" "$bad" || true
  "$DRIFTLINE" up --repo "n$bad=x" || true
} >out 2>&1
python3 - out <<'P' || fail "$(cat -v out | head -n 60)"
import sys, unicodedata
text = open(sys.argv[1], encoding="utf-8").read()
found = {hex(ord(c)) for c in text if c != "\n" and (unicodedata.category(c) == "Cc" or unicodedata.bidirectional(c) in ("RLO", "LRO"))}
assert "sub\\u{1b}" in text, "the subject is not there"
sys.exit(f"raw: {found}" if found else 0)
P
"$DRIFTLINE" explain "$head" --data d --json >json
python3 -c 'import json,sys; assert json.load(open("json"))["prediction"]["subject"] == "sub" + sys.argv[1] + "ject"' "$bad" || fail "JSON lost it"
