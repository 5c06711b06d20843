#!/usr/bin/env bash
# Complexity of public files against the values that other tools gave them, as recorded in operators/syntax/tests/oracle.
# No tool is needed; record.py records the values anew. A file that cannot be had is skipped.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/common.sh
cache=${DRIFTLINE_METRICS_CORPUS:-${XDG_CACHE_HOME:-$HOME/.cache}/driftline-metrics}
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
bash tests/metrics/fetch.sh "$cache"

DRIFTLINE_METRICS_CORPUS=$cache cargo test -p driftline-syntax --locked --test oracle -- --nocapture >"$work/out" 2>&1
status=$?
while IFS=, read -r file package version _ path _; do
  if [ ! -f "$cache/$package-$version/$path" ]; then
    echo "SKIPPED: $file, as $package $version is not there"; skipped=$((skipped + 1))
  elif grep -q "^compared $file: " "$work/out"; then ok "$(grep "^compared $file: .* by cyclomatic$" "$work/out")"
  else bad "$file was not compared"; fi
done < <(tail -n +2 operators/syntax/tests/oracle/files.csv)
[ "$status" -eq 0 ] || tail -n 40 "$work/out"
check "all values are those of the other tools" test "$status" = 0
finish
