# Sourced by run.sh: what cannot be delivered or read is kept or counted, and said; nothing is lost in silence.

config() { # config NAME PORT [PREDICTIONS [TOPIC]]
  cat >"$work/$1.toml" <<TOML
data = "$work/$1"
listen = "127.0.0.1:$2"
[kafka]
brokers = "$brokers"
topic = "${4:-failures}"
predictions = "${3:-failures-predictions}"
alerts = "failures-alerts"
dead_letters = "failures-letters"
TOML
}
ready() { curl -s "http://127.0.0.1:$1/readyz"; }
once() { "$binary" run --config "$work/$1.toml" --exit-when-idle --json >"$work/$1.out" 2>"$work/$1.err"; }
# refused NAME SETTING: neither `run` nor `check` takes the topic failures-NAME, and both name the setting that mends it.
refused() {
  local status
  once "$1"; status=$?
  check "it is refused" test "$status" -eq 1
  check "with the command that mends it" grep -q "kafka-configs.sh .*--entity-name failures-$1 .*$2" "$work/$1.err"
  "$binary" check --config "$work/$1.toml" >"$work/$1.check" 2>&1; status=$?
  check "check refuses it as well" test "$status" -eq 78
}
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

make_history "$work/small" 60
head=$(git -C "$work/small" rev-parse HEAD)
for name in failures failures-alerts failures-letters; do check "topic $name is made" topic create "$name" 1; done
"$binary" collect git "$work/small" --repository small --to "kafka://$brokers/failures" --author-key-file "$work/key" >/dev/null

# The topic of predictions is not there: the results are kept, and a start that finds it delivers them.
config missing $(http 2)
once missing; status=$?
check "results that have no topic are a failure" test "$status" -eq 1
check "it says which topic and what to do" grep -q 'failures-predictions does not take records.*make the topic' "$work/missing.err"
check "and that they are kept" grep -q 'the next start delivers them' "$work/missing.err"
check "an outage is one line" test "$(grep -c 'cannot be reached; results are kept' "$work/missing.err")" = 1
check "the topic is made" topic create failures-predictions 1
check "the next start delivers them" once missing
topic consume failures-predictions >"$work/missing.seen"
check "all of them" test "$(cut -f 1 "$work/missing.seen" | sort -u | wc -l)" = 60

# A topic that takes less than a prediction, and one that takes nothing.
check "a topic for short records is made" topic create failures-short 1 max.message.bytes=700 compression.type=uncompressed
config short $(http 3) failures-short
check "predictions are delivered in a short form" once short
topic consume failures-short >"$work/short.seen"
check "all of them" test "$(cut -f 1 "$work/short.seen" | sort -u | wc -l)" = 60
check "which says that it is one" grep -q '"shortened":\["subject"' "$work/short.seen"
check "a topic that takes nothing is made" topic create failures-none 1 max.message.bytes=100
config none $(http 4) failures-none
once none; status=$?
check "records that fit in no form are a failure" test "$status" -eq 1
check "which counts them and says what to do" grep -q '60 records could not be delivered.*raise max.message.bytes' "$work/none.err"

# Times that a producer makes up.
check "a topic with its producers' times is made" topic create failures-times 1 message.timestamp.type=CreateTime
config times $(http 5) failures-predictions failures-times
refused times message.timestamp.type=LogAppendTime
check "the setting is changed" topic set failures-times message.timestamp.type LogAppendTime
"$binary" collect git "$work/small" --repository small --to "kafka://$brokers/failures-times" --author-key-file "$work/key" >/dev/null
check "and then it is taken" once times

# A topic that keeps the newest record of each key only.
check "a compacted topic is made" topic create failures-compact 1 cleanup.policy=compact message.timestamp.type=LogAppendTime
config compact $(http 6) failures-predictions failures-compact
refused compact cleanup.policy=delete

# The topic is deleted while it runs, then made anew.
"$binary" run --config "$work/missing.toml" >"$work/missing.out" 2>"$work/missing.err" & pid=$!
check "it is ready" await "ready $(http 2) | grep -q '\"ready\":true'" 150
check "the topic is deleted" topic delete failures
check "which makes it unready, with the cause" await "ready $(http 2) | grep -q 'does not exist any more'" 150
check "the topic is made anew" await "topic create failures 1" 50
wait "$pid"; status=$?; pid=""
check "another topic of that name ends it" test "$status" -eq 1
check "in words" grep -q 'was deleted and made anew' "$work/missing.err"

# The broker goes away and comes back.
"$binary" run --config "$work/times.toml" >"$work/times.out" 2>"$work/times.err" & pid=$!
check "it is ready" await "ready $(http 5) | grep -q '\"ready\":true'" 150
deploy/kafka/stop.sh >/dev/null
check "without a broker it is not" await "ready $(http 5) | grep -q 'does not answer'" 150
before=$(cpu_ticks "$pid"); sleep 10; used=$(($(cpu_ticks "$pid") - before))
check "and costs next to nothing (${used} hundredths of a second in ten)" test "$used" -lt 100
deploy/kafka/start.sh 1 >/dev/null
check "with one it is ready again" await "ready $(http 5) | grep -q '\"ready\":true'" 300
check "the outage was one line" test "$(grep -c 'cannot be read at the moment' "$work/times.err")" = 1
check "it ends in order" stop

# An older disk of the broker is brought back: the log is shorter than what was read, and grows other records.
collect() { "$binary" collect git "$work/small" --repository "$1" --to "kafka://$brokers/failures-times" --author-key-file "$work/key" >/dev/null; }
disk=$DRIFTLINE_KAFKA_DIR/cluster-1/data-1
deploy/kafka/stop.sh >/dev/null; cp -r "$disk" "$work/disk"; deploy/kafka/start.sh 1 >/dev/null
check "more is appended" collect later
check "and read" once times
"$binary" run --config "$work/times.toml" >"$work/times.out" 2>"$work/times.err" & pid=$!
check "it is ready" await "ready $(http 5) | grep -q '\"ready\":true'" 150
deploy/kafka/stop.sh >/dev/null; rm -rf "$disk"; cp -r "$work/disk" "$disk"; deploy/kafka/start.sh 1 >/dev/null
check "the shorter log ends it" await "! kill -0 $pid" 600
wait "$pid"; status=$?; pid=""
check "as a failure" test "$status" -eq 1
check "in words" grep -q 'lost records' "$work/times.err"
check "other records are appended" collect other
check "and more of them" collect another
once times; status=$?
check "a start does not take them for those that were read" test "$status" -eq 1
check "and says so" grep -q 'no longer holds the records that were read' "$work/times.err"
