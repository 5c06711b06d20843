#!/usr/bin/env bash
# End to end on a real Apache Kafka: events in by `collect`, predictions out on the topic and over HTTP, restart, bad input.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/common.sh
binary=$(realpath "$1")
work=$(mktemp -d)
ports=$(free_ports)
export DRIFTLINE_KAFKA_DIR=${DRIFTLINE_KAFKA_DIR:-${TMPDIR:-/tmp}/driftline-kafka-suite} DRIFTLINE_KAFKA_PORT=${DRIFTLINE_KAFKA_PORT:-$ports}
# Ports of the engines, by number.
http() { echo $((ports + 3 + $1)); }
pid=""
clean() { [ -z "$pid" ] || kill "$pid" 2>/dev/null; deploy/kafka/stop.sh >/dev/null 2>&1; rm -rf "$work" "$DRIFTLINE_KAFKA_DIR"/cluster-1; }
trap clean EXIT
# What a run that was ended left behind.
deploy/kafka/stop.sh >/dev/null 2>&1; rm -rf "$DRIFTLINE_KAFKA_DIR"/cluster-1
brokers=$(deploy/kafka/start.sh 1); status=$?
if [ "$status" -eq 77 ]; then echo "SKIPPED: no Kafka broker can be had here"; skipped=1; finish; fi
if [ "$status" -ne 0 ]; then bad "a broker starts"; finish; fi
brokers=$(tail -n 1 <<<"$brokers")
export DRIFTLINE_CONTROL_KEY_FILE=$work/control.key
make_history "$work/repo" 700
cat >"$work/driftline.toml" <<TOML
data = "$work/data"
listen = "127.0.0.1:$(http 0)"
[kafka]
brokers = "$brokers"
create_topics = { partitions = 3, replication = 1 }
TOML
start() { "$binary" run --config "$work/driftline.toml" "$@" >"$work/out" 2>>"$work/err" & pid=$!; }
stop() { kill -TERM "$pid"; wait "$pid"; local status=$?; pid=""; return "$status"; }
get() { curl -sf "http://127.0.0.1:$(http 0)$1"; }
await() { for _ in $(seq 1 "$2"); do eval "$1" >/dev/null 2>&1 && return 0; sleep 0.2; done; return 1; }


start
check "it starts on an empty cluster and makes its topics" await 'get /livez' 150
check "an empty topic is nothing to wait for" await 'get /readyz' 100
check "events are collected into Kafka" "$binary" collect git "$work/repo" --repository demo --to "kafka://$brokers/code-events" --author-key-file "$work/key"
head=$(git -C "$work/repo" rev-parse HEAD)
check "the last commit has a prediction" await "get /v1/predictions/demo/$head" 300
check "a command on its data folder asks it" "$binary" explain "${head:0:10}" --data "$work/data"
check "check says the configuration and cluster are right" "$binary" check --config "$work/driftline.toml"
sleep 3
check "it ends in order on SIGTERM" stop
for line in "up --repo $work/repo --listen 127.0.0.1:0 --exit-when-idle" "explain $head" "export --out $work/x.parquet" "check"; do
  "$binary" $line --data "$work/data" >"$work/asked" 2>&1; status=$?
  check "${line%% *} of its data folder says where its log is" test "$status" = 1 -a -n "$(grep 'whose log\|its log is in the cluster' "$work/asked")"
done
check "and makes nothing in it" test ! -e "$work/data/code-events"
check "every event was accepted" grep -q '(.* accepted, 0 rejected)' "$work/out"

# A record that is no event goes to dead-letters; nothing stops.
classpath="$DRIFTLINE_KAFKA_DIR/libs/*"
topic() { local verb=$1; shift; java -cp "$classpath" tests/kafka/Topic.java "$verb" "$brokers" "$@" 2>>"$work/java"; }
check "a foreign client appends" topic produce code-events 'this is no event'
# What claims to be a control record and is not the engine's own is a reject; it holds no partition and takes no number.
check "a foreign client forges a tick in one partition" topic forge code-events 1 '{"schema":1,"control":{"id":7,"action":{"tick":{"time":5}}}}'
for partition in 0 1 2; do
  check "and a cut in partition $partition" topic forge code-events "$partition" '{"schema":1,"control":{"id":9,"action":{"cut":{"cut":18446744073709551615}}}}'
done
"$binary" run --config "$work/driftline.toml" --exit-when-idle --json >"$work/one" 2>>"$work/err"
check "a restart accepts the log and rejects the stray records" test "$(tail -n 1 "$work/one" | field '["rejected"]')" = 5
check "every commit has a prediction after the restart" test "$(tail -n 1 "$work/one" | field '["predictions"]')" = 700
check "models were trained at cuts in the log" test "$(tail -n 1 "$work/one" | field '["models"]')" -gt 0
"$binary" run --config "$work/driftline.toml" --exit-when-idle --json >"$work/two" 2>>"$work/err"
check "another restart gives the same digest" test "$(tail -n 1 "$work/two" | field '["digest"]')" = "$(tail -n 1 "$work/one" | field '["digest"]')"
topic consume predictions >"$work/predictions"
check "predictions are on their topic, one key a commit" test "$(cut -f 1 "$work/predictions" | sort -u | wc -l)" = 700
check "keys are repository/commit" grep -q "^demo/$head" "$work/predictions"
topic consume dead-letters >"$work/letters"
check "the stray record is a dead letter with its bytes" grep -q 'this is no event' "$work/letters"
check "so are the forged ones" test "$(grep -c 'action' "$work/letters")" = 4

# A record as large as the topic takes becomes a reject, and its dead letter a pointer with the first 64 KiB.
check "a foreign client appends 20,000,000 bytes" topic produce-bytes code-events 20000000
"$binary" run --config "$work/driftline.toml" --exit-when-idle --json >"$work/large" 2>>"$work/err"
check "it is one more reject" test "$(tail -n 1 "$work/large" | field '["rejected"]')" = 6
topic sizes dead-letters >"$work/sizes"
check "the large one is a dead letter that points at it" grep -q $'\t65536\t.*driftline-letter=pointer driftline-bytes=20000000 driftline-sha256=' "$work/sizes"

# A topic of results that somebody made anew is filled again.
check "the topic of predictions is deleted" topic delete predictions
check "and made anew by hand" await 'topic create predictions 3' 50
"$binary" run --config "$work/driftline.toml" --exit-when-idle --json >"$work/filled" 2>"$work/filled.err"
check "the next start says so" grep -q 'the topic predictions was made anew' "$work/filled.err"
topic consume predictions >"$work/predictions"
check "and it holds every prediction again" test "$(cut -f 1 "$work/predictions" | sort -u | wc -l)" = 700

# Partitions that appear while it runs are read from their beginning, and after a restart as well.
sed -e 's|/data"|/grown"|' -e '/^create_topics/d' "$work/driftline.toml" >"$work/grown.toml"
sed -i '/^brokers/a topic = "grown"' "$work/grown.toml"
sed -i "s|127.0.0.1:$(http 0)|127.0.0.1:$(http 1)|" "$work/grown.toml"
check "a topic of one partition is made" topic create grown 1
"$binary" collect git "$work/repo" --repository before --to "kafka://$brokers/grown" --author-key-file "$work/key" >/dev/null
"$binary" run --config "$work/grown.toml" >"$work/out" 2>>"$work/err" & pid=$!
grown() { curl -sf "http://127.0.0.1:$(http 1)$1"; }
check "its repository is read" await "grown /v1/predictions/before/$head" 300
check "the topic grows to four partitions" topic grow grown 4
check "the new partitions are read within twenty seconds" await 'grown /metrics | grep -q "driftline_reflected_offset{partition=.3.}"' 100
for name in r1 r2 r3 r4 r5 r6; do
  "$binary" collect git "$work/repo" --repository "$name" --to "kafka://$brokers/grown" --author-key-file "$work/key" >/dev/null
done
for name in r1 r2 r3 r4 r5 r6; do
  check "repository $name is read, whichever partition it is in" await "grown /v1/predictions/$name/$head" 300
done
check "it ends in order" stop
"$binary" run --config "$work/grown.toml" --exit-when-idle --json >"$work/one" 2>>"$work/err"
check "a restart reads all partitions" test "$(tail -n 1 "$work/one" | field '["predictions"]')" = 4900
sed 's|/grown"|/fresh"|' "$work/grown.toml" >"$work/fresh.toml"
"$binary" run --config "$work/fresh.toml" --exit-when-idle --json >"$work/two" 2>>"$work/err"
# Whoever reads a log to its end may append a cut that is due, so the first folder looks once more.
"$binary" run --config "$work/grown.toml" --exit-when-idle --json >"$work/one" 2>>"$work/err"
check "an empty data folder gives the same digest" test "$(tail -n 1 "$work/two" | field '["digest"]')" = "$(tail -n 1 "$work/one" | field '["digest"]')"

# Histories that go on after that go on in another partition, and nobody can say in which order the two are.
git -C "$work/repo" commit -q --allow-empty -m "fix: after the topic grew"
later=$(git -C "$work/repo" rev-parse HEAD)
"$binary" run --config "$work/grown.toml" >"$work/out" 2>"$work/split.err" & pid=$!
check "the engine starts again" await "grown /livez" 150
for name in before r1; do
  "$binary" collect git "$work/repo" --repository "$name" --to "kafka://$brokers/grown" --author-key-file "$work/key" --since "$head" >/dev/null 2>&1
done
has_risk() { test "$(grown "/v1/predictions/$1/$later" | field '["prediction"]["risk"] > 0')" = True; }
check "a repository that stays in its partition has a risk" await 'has_risk r1' 100
check "one that moved has none" await 'grown "/v1/predictions/before/$later" | grep -q split_repository' 300
check "neither have its earlier commits" await 'grown "/v1/predictions/before/$head" | grep -q split_repository' 300
check "records are made to age" topic set grown retention.ms 86400000
check "its readiness says that the topic will not last" await 'grown /readyz | grep -q retention.ms' 100
check "compaction is switched on" topic set grown cleanup.policy compact
check "which is told as well" await 'grep -q "cleanup.policy is compact" "$work/split.err"' 100
check "check warns or refuses" test -n "$("$binary" check --config "$work/grown.toml" 2>&1 | grep 'cleanup.policy is compact')"
check "it is named" grep -q 'several partitions.*before\|before.*several partitions' "$work/split.err"
check "it ends in order" stop
check "and the summary says so" grep -q 'events of 1 repositories are in several partitions' "$work/split.err"

# A topic that was made anew is another topic, however long it is.
check "the topic is deleted" topic delete grown
check "and made anew" await 'topic create grown 4' 50
"$binary" run --config "$work/grown.toml" --exit-when-idle --json >"$work/anew" 2>"$work/anew.err"; status=$?
check "the old data folder does not go with it" test "$status" -ne 0
check "which is said with advice" grep -q 'made anew' "$work/anew.err"

# What `check` says of topics that are absent, of a cluster that is too small, and of a log that lost its beginning.
said() { "$binary" check --config "$1" 2>&1; }
sed -e "s|/data\"|/absent\"|" -e '/^brokers/a topic = "absent"' "$work/driftline.toml" >"$work/absent.toml"
check "check names the topic that run will make" test -n "$(said "$work/absent.toml" | grep 'makes the topics that are absent: absent$')"
sed -i 's/replication = 1/replication = 3/' "$work/absent.toml"
check "and refuses more copies than there are brokers" test -n "$(said "$work/absent.toml" | grep 'replication = 3 needs as many brokers')"
check "the first records are removed" topic delete-records code-events 0 1
check "check refuses the folder that was read from the beginning" test -n "$(said "$work/driftline.toml" | grep 'was bound from offset 0, the log holds it from 1 only')"
sed "s|/data\"|/later\"|" "$work/driftline.toml" >"$work/later.toml"
check "and warns for one that begins with what is left" test -n "$(said "$work/later.toml" | grep 'warning: .* were removed')"
check "which it lets pass, as run does" "$binary" check --config "$work/later.toml"

. tests/kafka/failures.sh
[ "$failed" -eq 0 ] || tail -n 20 "$work/err" "$work/java"
finish
