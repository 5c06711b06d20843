#!/bin/sh
# Checks the dashboard and the rules of deploy/ against a running driftline and a real Prometheus.
#
#   tests/prometheus/check.sh HOST:PORT
#
# HOST:PORT is where driftline serves /metrics. Without Prometheus (Debian: apt-get install prometheus) only what needs none is checked,
# and the last line says how much was skipped. Exits 1 if anything failed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ $# -ne 1 ]; then
    echo "usage: $0 HOST:PORT" >&2
    exit 2
fi
command -v python3 >/dev/null || { echo "python3 is needed" >&2; exit 2; }
exec python3 "$here/check.py" "$1"
