#!/usr/bin/env bash
# The last record of the log was damaged after bindings covered it: it was cut off first, and then the log was refused.
set -euo pipefail
source "$ROOT/tests/cases/kit.sh"
source "$ROOT/tests/common.sh"
export DRIFTLINE_AUTHOR_KEY_FILE=$WORK/author.key
make_history repo 40
import repo data >out 2>err
segment=$(ls -S data/code-events/*/*.log | head -n 1)
cp -r data sound
flip() { python3 - "$1" "$2" <<'PY'
import sys
path, at = sys.argv[1], int(sys.argv[2])
with open(path, "r+b") as file:
    file.seek(0, 2)
    file.seek(file.tell() + at if at < 0 else at)
    byte = file.read(1)
    file.seek(-1, 1)
    file.write(bytes([byte[0] ^ 0x20]))
PY
}
# expect_refused WHAT: nothing is changed, and it is said what mends it.
expect_refused() {
  cp "$segment" before
  local status=0
  import repo data >out 2>err || status=$?
  expect "$1: status" 1 "$status"
  expect_in "$1: the command that mends it" "driftline check --data data --repair" "$(cat err)"
  cmp "$segment" before || fail "$1: the log was changed"
  status=0
  "$DRIFTLINE" check --data data >out 2>&1 || status=$?
  expect "$1: check finds it" 1 "$status"
  cmp "$segment" before || fail "$1: check changed the log"
}
# expect_mended WHAT REJECTED COMMITS: a lost commit is collected again, and so are those that came after it.
expect_mended() {
  "$DRIFTLINE" check --data data --repair >out 2>&1 || fail "$1: cannot be mended: $(cat out)"
  "$DRIFTLINE" check --data data >out 2>&1 || fail "$1: still damaged: $(cat out)"
  local summary; summary=$(import repo data 2>err | tail -n 1)
  expect "$1: stand-ins are rejects" "$2" "$(field '["rejected"]' <<<"$summary")"
  expect "$1: commits" "$3" "$(field '["commits"]' <<<"$summary")"
}
flip "$segment" -1
expect_refused "the last record"
expect_mended "the last record" 1 40
ls "$(dirname "$segment")"/damaged-* >/dev/null || fail "the damaged bytes are not kept"
"$DRIFTLINE" replay --verify --data data >out 2>&1 || fail "replays differ after a repair: $(cat out)"

rm -r data && cp -r sound data
size=$(stat -c %s "$segment")
flip "$segment" $((size / 2))
expect_refused "a record in the middle"
expect_mended "a record in the middle" 1 40

rm -r data && cp -r sound data
truncate -s $((size - 10)) "$segment"
expect_refused "a tail that bindings cover and is gone"
expect_mended "a tail that bindings cover and is gone" 1 40

rm -r data && cp -r sound data
flip data/bindings 3
expect_refused "the first line of the bindings"
expect_mended "the first line of the bindings" 0 40
ls data/damaged-bindings-1 >/dev/null || fail "the damaged bindings are not kept"

rm -r data && cp -r sound data
echo '{' >data/code-events/topic.json
expect_refused "the topic's file"
expect_mended "the topic's file" 0 40

# Bytes that are gone, that were put between records, or that stand in a wrong order: whole records keep their offsets.
# change FILE WHAT: does that to the second record of the file.
change() { python3 - "$1" "$2" <<'PY'
import struct, sys
path, what = sys.argv[1:]
with open(path, "rb") as file:
    sound = file.read()
places = [0]
while places[-1] < len(sound):
    payload, key = struct.unpack_from("<IH", sound, places[-1] + 4)
    places.append(places[-1] + 40 + key + payload)
first, second, third = (sound[places[n]:places[n + 1]] for n in range(3))
rest = sound[places[3]:]
changed = {
    "the first record gone": second + third + rest,
    "eight bytes gone": first + second[:50] + second[58:] + third + rest,
    "zeros between records": first + b"\0" * 90 + second + third + rest,
    "a record twice": first + second + second + third + rest,
    "two records swapped": first + third + second + rest,
}[what]
with open(path, "wb") as file:
    file.write(changed)
PY
}
for what in "the first record gone:1" "eight bytes gone:1" "zeros between records:0" "a record twice:0" "two records swapped:0"; do
  rm -r data && cp -r sound data
  change "$segment" "${what%:*}"
  status=0
  "$DRIFTLINE" check --data data >out 2>&1 || status=$?
  expect "${what%:*}: check finds it" 1 "$status"
  expect_mended "${what%:*}" "${what#*:}" 40
  ls "$(dirname "$segment")"/damaged-* >/dev/null 2>&1 || [ "${what%:*}" = "the first record gone" ] \
    || fail "${what%:*}: the damaged bytes are not kept"
done

# What a crash leaves behind the last record is no damage, and nothing is said of it.
rm -r data && cp -r sound data
head -c 300 /dev/zero >>"$segment"
import repo data >out 2>err || fail "zeros behind the last record: $(cat err)"
status=0
"$DRIFTLINE" check --data typo >out 2>&1 || status=$?
expect "a folder that is none" 1 "$status"
[ ! -e typo ] || fail "a folder was made by a typo"
