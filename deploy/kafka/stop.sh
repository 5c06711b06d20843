#!/usr/bin/env bash
# Stops the brokers that start.sh started, by their pid files. Harmless when none runs; the data stays.
set -euo pipefail

dir=${DRIFTLINE_KAFKA_DIR:-${TMPDIR:-/tmp}/driftline-kafka-$(id -u)}

shopt -s nullglob
pids=()
for file in "$dir"/cluster-*/broker-*.pid; do
  pid=$(cat "$file")
  # A pid may have been given to another process since.
  if [[ -n $pid ]] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "${file%.pid}.properties"; then
    kill "$pid" && pids+=("$pid")
  fi
done
for pid in "${pids[@]}"; do
  for ((tenths = 0; tenths < 200; tenths++)); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  # A controller without its quorum waits for ever; what it has acknowledged is on disk.
  kill -9 "$pid" 2>/dev/null || true
done
rm -f "$dir"/cluster-*/broker-*.pid
echo "stopped ${#pids[@]} brokers"
