#!/usr/bin/env bash
# A running driftline scraped by a real Prometheus, and its page in a real browser.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/common.sh
binary=$(realpath "$1")
work=$(mktemp -d)
export DRIFTLINE_AUTHOR_KEY_FILE=$work/author.key
pid=""
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT
make_history "$work/repo" 1200
address=127.0.0.1:$(free_ports)
"$binary" up --repo "$work/repo" --data "$work/data" --listen $address >"$work/out" 2>"$work/err" &
pid=$!
for _ in $(seq 1 300); do curl -sf http://$address/readyz >/dev/null && break; sleep 0.2; done
check "it is ready" curl -sf http://$address/readyz -o "$work/ready"

# A push is answered within a second or so.
git -C "$work/repo" reset -q --hard
echo 'def pushed(a):
    return a' >>"$work/repo/core/pushed.py"
git -C "$work/repo" add -A
git -C "$work/repo" -c user.name=Ada -c user.email=ada@example.org commit -qm "Add a pushed case"
head=$(git -C "$work/repo" rev-parse HEAD)
start=$(date +%s%N)
for _ in $(seq 1 100); do curl -sf "http://$address/v1/predictions/repo/$head" -o "$work/answer" && break; sleep 0.02; done
took=$(( ($(date +%s%N) - start) / 1000000 ))
echo "a push was answered after $took ms"
check "a push is answered within a second" test "$took" -lt 1000 -a -s "$work/answer"
check "the answer says what it reflects" grep -q as_of "$work/answer"

output=$(sh tests/prometheus/check.sh $address); status=$?
echo "$output"
read -r p _ f _ s _ <<<"$(tail -n 1 <<<"${output//,/}")"
passed=$((passed + p)); failed=$((failed + f)); skipped=$((skipped + ${s:-0}))
[ "$status" -eq 0 ] || [ "$f" -gt 0 ] || bad "the check of dashboard and rules"

browser=$(command -v chromium || command -v chromium-browser || true)
if [ -z "$browser" ]; then
  echo "SKIPPED: no Chromium here, the page was not rendered"; skipped=$((skipped + 1))
else
  timeout 60 "$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
    --disable-component-update --disable-sync --user-data-dir="$work/browser" --dump-dom http://$address/ >"$work/page" 2>/dev/null
  check "the page lists commits with reasons" grep -q "not size" "$work/page"
  check "the page shows the drift state" grep -qi drift "$work/page"
fi
kill -TERM "$pid"; wait "$pid"; status=$?; pid=""
check "it ends in order on SIGTERM" test "$status" -eq 0
finish
