#!/usr/bin/env bash
# Row 45, A22: two repositories whose folders have one name are two; one name stands for one history; odd names are escaped.
set -euo pipefail
. "$ROOT/tests/cases/kit.sh"
repositories() { python3 -c 'import json,sys; print(" ".join(r["name"] for r in json.load(open(sys.argv[1]))["repositories"]))' "$1/repositories.json"; }
up() { "$DRIFTLINE" up --listen 127.0.0.1:0 --exit-when-idle --json "$@"; }
commits() { python3 -c 'import json,sys; print(json.load(sys.stdin)["commits"])'; }
mkdir x y
for n in 1 2 3; do [ -d x/app ] || init x/app; echo "x = $n" >x/app/f.py; commit x/app "x $n" $((1700000000 + n * 3600)); done
for n in 1 2; do [ -d y/app ] || init y/app; echo "y = $n" >y/app/g.py; commit y/app "y $n" $((1700000000 + n * 3600)); done

status=0; up x/app y/app --data d 2>err || status=$?
expect "one name for two is usage" 2 "$status"
expect_in "the way out is said" "--repo NAME=" "$(cat err)"
[ ! -e d ] || fail "something was made before the refusal"
status=0; up x/app --repo again=x/app --data d 2>err || status=$?
expect "one repository twice is usage" 2 "$status"
expect "two names, two repositories" 5 "$(up x/app --repo team/y=y/app --data d | commits)"
expect "both are remembered" "app team/y" "$(repositories d)"
expect "a name that was given stays with its path" 5 "$(up y/app --data d | commits)"
expect "and no third is made" "app team/y" "$(repositories d)"

up x/app --data one >/dev/null 2>&1
status=0; up y/app --data one 2>err || status=$?
expect "another history under the name is refused" 1 "$status"
expect_in "with advice" "--data DIR" "$(cat err)"
expect "and the first is untouched" 3 "$(up x/app --data one 2>/dev/null | commits)"

git -C y/app remote add origin "https://user:s3cret@example.org/team/tool.git"
up y/app --data two >/dev/null 2>&1
expect "a name comes from the origin" "team/tool" "$(repositories two)"
! grep -rq s3cret two || fail "credentials were kept"
(cd y/app && mkdir -p src/inner && cd src/inner && up . --data "$WORK/three" >/dev/null 2>&1)
expect "a folder in a work tree finds it" "team/tool" "$(repositories three)"
collect y/app events.jsonl 2>/dev/null
expect "collect calls it so too" 2 "$(grep -c '"repository":"team/tool"' events.jsonl)"

odd=$(printf 'a\033[31mb\nc')
init "$odd"; echo 'x = 1' >"$odd/f.py"; commit "$odd" one 1700000000
expect "a folder with control characters is taken" "0 1" \
  "$(up "$odd" --data four 2>/dev/null | python3 -c 'import json,sys; s=json.load(sys.stdin); print(s["rejected"], s["predictions"])')"
git -C x/app status --porcelain --ignored >/dev/null
(cd x/app && up . >/dev/null 2>&1)
expect "git does not see the data folder" "" "$(git -C x/app status --porcelain)"
