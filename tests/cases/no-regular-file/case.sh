#!/usr/bin/env bash
# A16, A19, 37: pipes, devices, folders and sockets are refused at once and stay what they are; a typing error makes no folder;
# a failure leaves the output file that was there.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"
init r; echo 'def f(a): return a' >r/f.py; commit r one 1700000000
import r d >/dev/null 2>&1
mkfifo pipe
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
# refused CODE COMMAND...: ends within ten seconds, with this code and words.
refused() {
  local wanted=$1 status=0; shift
  timeout 10 "$DRIFTLINE" "$@" >out 2>err </dev/null || status=$?
  expect "$*" "$wanted" "$status"
  expect_in "$*" "driftline: " "$(cat err)"
  ! grep -q panicked err || fail "$*: $(cat err)"
}
for odd in pipe socket r /dev/zero; do
  refused 78 check --config "$odd"
  refused 78 run --config "$odd"
  refused 1 metrics r --thresholds "$odd"
  refused 1 evaluate --data "$odd"
  refused 1 export --data d --out "$odd"
  refused 1 collect git r --out "$odd" --author-key-file key
  refused 1 risk HEAD --repo r --data d --author-key-file "$odd"
  [ "$odd" = r ] || refused 1 up --repo r --data "$odd" --listen 127.0.0.1:0 --exit-when-idle
  [ "$odd" = r ] || refused 1 risk HEAD --repo "$odd" --data d
done
# In the place of each file of a data folder: said with the file's name, by what serves it and by what checks it.
import r whole >/dev/null 2>&1
(cd whole && find . -type f ! -name .gitignore ! -name '*.tmp') >files
[ "$(wc -l <files)" -ge 8 ] || fail "a data folder has more files than: $(cat files)"
while read -r file; do
  for odd in pipe link folder; do
    rm -rf odd-data; cp -r whole odd-data; rm "odd-data/$file"
    case $odd in
      pipe) mkfifo "odd-data/$file" ;;
      link) ln -s /dev/zero "odd-data/$file" ;;
      folder) mkdir "odd-data/$file" ;;
    esac
    for line in "up --repo r --data odd-data --listen 127.0.0.1:0 --exit-when-idle" "check --data odd-data"; do
      status=0; timeout 20 "$DRIFTLINE" $line >out 2>err </dev/null || status=$?
      expect "$line with a $odd as $file" 1 "$status"
      expect_in "$line with a $odd as $file" "$(basename "$file")" "$(cat out err)"
      ! grep -q panicked err || fail "$line with a $odd as $file: $(cat err)"
    done
  done
done <files
[ -p pipe ] && [ -S socket ] && [ -c /dev/zero ] || fail "something was replaced"
for line in "replay --verify" "export --out x.parquet" "explain abcdef"; do
  refused 1 $line --data typo
  [ ! -e typo ] || fail "$line made a folder"
done
echo before >events.jsonl
refused 1 collect git r --since nowhere --out events.jsonl --author-key-file key
expect "a failure leaves what was there" before "$(cat events.jsonl)"
refused 1 collect git r --branch nowhere --out events.jsonl --author-key-file key
expect "a failure leaves what was there" before "$(cat events.jsonl)"
collect r events.jsonl 2>/dev/null
expect "a success replaces it" 1 "$(wc -l <events.jsonl)"
