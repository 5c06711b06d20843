#!/usr/bin/env bash
# A13: 2,000 connections that send half a request, then 1,100 that send nothing, at 1,024 open files. HTTP answers all the
# while, and a push is scored.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"
ulimit -n 4096 2>/dev/null || { echo "the limit of open files cannot be raised for the clients"; exit 77; }
soon() { for _ in $(seq 100); do "$@" && return 0; sleep 0.1; done; fail "within 10 s: $*"; }
init one; echo 'x = 1' >one/a.py; commit one first 1700000000
(ulimit -n 1024; exec "$DRIFTLINE" up --repo one --data data --listen 127.0.0.1:0 --author-key-file key) >out 2>err &
up=$!
trap 'kill $up 2>/dev/null || true; wait $up 2>/dev/null || true' EXIT
soon grep -q 'up to date' err
url=$(grep -o 'http://[0-9.:]*' out)
python3 - "$url" one <<'P' || fail "see above"
import os, socket, subprocess, sys, time, urllib.request
url, repo = sys.argv[1:]
host, port = url.split("//")[1].split(":")
def get(path, seconds=5):
    return urllib.request.urlopen(url + path, timeout=seconds).read()
def push(number):
    open(repo + "/a.py", "w").write(f"x = {number + 1}\n")
    env = dict(os.environ, GIT_AUTHOR_DATE=f"{1700000000 + number * 100} +0000", GIT_COMMITTER_DATE=f"{1700000000 + number * 100} +0000")
    subprocess.run(["git", "-C", repo, "commit", "-qam", "change"], check=True, env=env)
    commit = subprocess.run(["git", "-C", repo, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    begin = time.time()
    while time.time() - begin < 10:
        try:
            get("/v1/predictions/one/" + commit); return
        except urllib.error.HTTPError: time.sleep(0.05)
    sys.exit(f"the push was not answered within 10 s")
open_ = []
for index in range(2000):
    connection = socket.create_connection((host, int(port)), timeout=5)
    connection.sendall(b"GET /v1/repos HTTP/1.1\r\nHost: loc")
    open_.append(connection)
    if index % 400 == 399:
        begin = time.time(); get("/livez")
        assert time.time() - begin < 3, f"{time.time() - begin} s after {index} half requests"
push(1)
for connection in open_: connection.close()
open_ = [socket.create_connection((host, int(port)), timeout=5) for _ in range(1100)]
begin = time.time(); get("/livez"); assert time.time() - begin < 3
push(2)
metrics = get("/metrics").decode()
value = lambda name: float(next(l for l in metrics.splitlines() if l.startswith(name + " ")).split()[-1])
assert value("driftline_http_connections") <= 768, value("driftline_http_connections")
assert value("process_open_fds") < 900, value("process_open_fds")
P
kill $up; wait $up || fail "it does not end in order"
trap - EXIT
