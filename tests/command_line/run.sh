#!/usr/bin/env bash
# The command line as README shows it: every command on a small history, exit codes, and repositories that are odd or broken.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/common.sh
binary=$(realpath "$1")
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
export DRIFTLINE_AUTHOR_KEY_FILE=$work/author.key
make_history "$work/repo" 700
up() { "$binary" up --listen 127.0.0.1:0 --exit-when-idle --json "$@" 2>>"$work/log" | tail -n 1; }
code() { "$@" >"$work/out" 2>"$work/err"; echo $?; }

one=$(up --repo "$work/repo" --data "$work/one")
two=$(up --repo "$work/repo" --data "$work/two" --workers 2)
again=$(up --repo "$work/repo" --data "$work/again")
digest=$(field '["digest"]' <<<"$one")
check "one and two workers give one digest" test "$(field '["digest"]' <<<"$two")" = "$digest"
check "a second import gives the same digest" test "$(field '["digest"]' <<<"$again")" = "$digest"
check "a restart on the same folder gives the same digest" test "$(up --repo "$work/repo" --data "$work/one" | field '["digest"]')" = "$digest"
check "every event is accounted for" test "$(field '["events"]' <<<"$one")" = "$(($(field '["accepted"]' <<<"$one") + $(field '["rejected"]' <<<"$one")))"
check "every commit has a prediction" test "$(field '["predictions"]' <<<"$one")" = 700
check "labels come from SZZ" test "$(field '["labels"].get("szz", 0)' <<<"$one")" -gt 0
git clone -q --bare "$work/repo" "$work/bare.git"
mkdir "$work/copy" && cp -r "$work/repo" "$work/copy/repo"
check "a bare clone gives a prediction for every commit" test "$(up --repo "$work/bare.git" --data "$work/bare" | field '["predictions"]')" = 700

check "replay --verify" test "$(code "$binary" replay --verify --data "$work/one")" = 0
head=$(git -C "$work/repo" rev-parse HEAD)
check "explain" test "$(code "$binary" explain "${head:0:10}" --data "$work/one" --json)" = 0
check "explain names the model" python3 -c 'import json,sys; e=json.load(open(sys.argv[1])); assert e["prediction"]["receipt"]["model"] and e["prediction"]["reasons"]' "$work/out"
check "explain of an unknown commit fails with 1" test "$(code "$binary" explain ffffffffff --data "$work/one")" = 1
check "risk of a range" test "$(code "$binary" risk HEAD~5..HEAD --repo "$work/repo" --data "$work/one" --json)" = 0
check "risk prints each commit" test "$(wc -l <"$work/out")" = 5
check "risk --fail-over 0 exits with 3" test "$(code "$binary" risk HEAD~5..HEAD --repo "$work/repo" --data "$work/one" --fail-over 0)" = 3
check "risk names on standard error what is over" grep -q "$(git -C "$work/repo" rev-parse HEAD | cut -c1-12)" "$work/err"
check "risk of a revision that does not exist exits with 1" test "$(code "$binary" risk nowhere..HEAD --repo "$work/repo" --data "$work/one")" = 1
check "risk of an empty range exits with 4" test "$(code "$binary" risk HEAD..HEAD --repo "$work/repo" --data "$work/one")" = 4
check "risk --abstain-ok of an empty range exits with 0" test "$(code "$binary" risk HEAD..HEAD --repo "$work/repo" --data "$work/one" --abstain-ok)" = 0
check "up takes paths without an option" test "$(up "$work/repo" --data "$work/one" | field '["digest"]')" = "$digest"
check "two repositories of one name are usage" test "$(code "$binary" up "$work/repo" "$work/copy/repo" --data "$work/one")" = 2
check "explain in a folder that is not there exits with 1" test "$(code "$binary" explain "${head:0:10}" --data "$work/typo")" = 1
check "and makes none" test ! -e "$work/typo"
check "export" test "$(code "$binary" export --data "$work/one" --out "$work/vectors.parquet")" = 0
check "the export is a Parquet file" test "$(head -c 4 "$work/vectors.parquet")" = PAR1
check "metrics" test "$(code "$binary" metrics "$work/repo" --json)" = 0
check "metrics are one object a file" python3 -c 'import json,sys; rows=[json.loads(l) for l in open(sys.argv[1])]; assert rows and all({"path","language","metrics","functions"} <= set(r) for r in rows)' "$work/out"
check "collect to a file" test "$(code "$binary" collect git "$work/repo" --out "$work/events.jsonl" --author-key-file "$work/author.key")" = 0
check "collect writes one event a commit" test "$(wc -l <"$work/events.jsonl")" = 700
check "wrong usage exits with 2" test "$(code "$binary" up --no-such-flag)" = 2
printf 'data = "%s"\n[kafka]\nbrokers = "127.0.0.1:9"\n' "$work/d" >"$work/good.toml"
printf 'data = "d"\nbogus = 1\n[kafka]\nbrokers = "x"\n' >"$work/bad.toml"
check "check accepts a configuration" test "$(code "$binary" check --config "$work/good.toml" --no-environment)" = 0
check "check refuses an unknown key with 78" test "$(code "$binary" check --config "$work/bad.toml" --no-environment)" = 78
check "check names the key" grep -q bogus "$work/err"
check "help shows examples" sh -c "'$binary' up --help | grep -q 'driftline up --repo'"

git init -q "$work/empty"
check "an empty repository is no error" test "$(up --repo "$work/empty" --data "$work/empty-data" | field '["commits"]')" = 0
check "a folder that is no repository exits with 1" test "$(code "$binary" up --repo "$work/nowhere" --data "$work/x" --listen 127.0.0.1:0 --exit-when-idle)" = 1
check "and is named" grep -q nowhere "$work/err"
git clone -q --depth 20 "file://$work/repo" "$work/shallow"
check "a shallow clone gives what it has" test "$(up --repo "$work/shallow" --data "$work/shallow-data" | field '["commits"]')" = 20
make_odd_history "$work/odd"
odd=$("$binary" up --listen 127.0.0.1:0 --exit-when-idle --json --repo "$work/odd" --data "$work/odd-data" 2>"$work/err" | tail -n 1)
check "odd commits: every one has a prediction" test "$(field '["predictions"]' <<<"$odd")" = "$(git -C "$work/odd" rev-list --count HEAD)"
check "odd commits: every event is accounted for" test "$(field '["events"]' <<<"$odd")" = "$(($(field '["accepted"]' <<<"$odd") + $(field '["rejected"]' <<<"$odd")))"
check "odd commits: no panic" sh -c "! grep -q panicked '$work/err'"
check "odd commits: a 50 MB file does not fill the memory" test "$(field '["peak_rss_bytes"]' <<<"$odd")" -lt 400000000
check "odd commits: two workers give the same digest" test "$(up --repo "$work/odd" --data "$work/odd-two" --workers 2 | field '["digest"]')" = "$(field '["digest"]' <<<"$odd")"
cp -r "$work/repo" "$work/broken"
find "$work/broken/.git/objects" -name '*.pack' -exec sh -c 'chmod u+w "$1"; printf garbage | dd of="$1" bs=1 seek=4000 conv=notrunc 2>/dev/null' _ {} \;
check "a damaged repository exits with 1, without a panic" sh -c "'$binary' up --repo '$work/broken' --data '$work/broken-data' --listen 127.0.0.1:0 --exit-when-idle >'$work/out' 2>'$work/err'; test \$? = 1 && ! grep -q panicked '$work/err'"
finish
