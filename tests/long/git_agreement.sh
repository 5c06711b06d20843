#!/usr/bin/env bash
# The agreement with git on public histories, which takes too long and needs too much of the network for the gate.
# Usage: tests/long/git_agreement.sh BINARY [FOLDER]; FOLDER keeps the clones (some 300 MB) from one run to the next.
# The last line counts passed, failed and skipped.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
binary=$(realpath "$1")
folder=${2:-$(mktemp -d)}
mkdir -p "$folder"
repositories=() missing=0
for name in lua/lua memcached/memcached jquery/jquery expressjs/express pallets/flask gin-gonic/gin BurntSushi/ripgrep; do
  clone=$folder/${name#*/}.git
  [ -d "$clone" ] || git clone -q --bare "https://github.com/$name.git" "$clone" || { rm -rf "$clone"; echo "SKIPPED  $name: cannot be cloned"; missing=$((missing + 1)); continue; }
  repositories+=("$clone")
done
[ ${#repositories[@]} -gt 0 ] || { echo "0 passed, 0 failed, $missing skipped"; exit 0; }
status=0
bash "$here/../git_agreement/run.sh" "$binary" "${repositories[@]}" >"$folder/said" || status=$?
head -n -1 "$folder/said"
tail -n 1 "$folder/said" | sed "s/[0-9]* skipped\$/$missing skipped/"
exit "$status"
