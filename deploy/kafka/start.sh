#!/usr/bin/env bash
# Runs an Apache Kafka cluster of 1 or 3 brokers on loopback, for trying driftline out and for its end-to-end suite.
#
#   deploy/kafka/start.sh [1|3]      prints the brokers to connect to, on its last line
#   deploy/kafka/stop.sh             stops what start.sh started; the data stays
#
# Environment:
#   DRIFTLINE_KAFKA_DIR    where jars, data, logs and pid files live   (default: ${TMPDIR:-/tmp}/driftline-kafka-UID)
#   DRIFTLINE_KAFKA_PORT   port of the first broker; the next brokers follow, controllers are 100 higher   (9092);
#                          topics are made by `driftline run` where create_topics says so, never by being named
#   DRIFTLINE_KAFKA_HEAP   heap of each broker                                                            (384m)
#
# Exit code 77 means skipped: this machine has no Java 17, no Maven, or Maven cannot fetch the broker.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
brokers=${1:-1}
dir=${DRIFTLINE_KAFKA_DIR:-${TMPDIR:-/tmp}/driftline-kafka-$(id -u)}
port=${DRIFTLINE_KAFKA_PORT:-9092}
heap=${DRIFTLINE_KAFKA_HEAP:-384m}

skip() { echo "skipped: $*" >&2; exit 77; }
fail() { echo "failed: $*" >&2; exit 1; }

# Apart for each size: brokers of one quorum cannot join another.
cluster=$dir/cluster-$brokers
[[ $brokers == 1 || $brokers == 3 ]] || { echo "usage: start.sh [1|3]" >&2; exit 2; }
command -v java >/dev/null || skip "there is no java on the path"
command -v mvn >/dev/null || skip "there is no mvn on the path"
java_version=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -1)
[[ ${java_version:-0} -ge 17 ]] || skip "Kafka needs Java 17 or later, this is ${java_version:-unknown}"

# Whether the process of a pid file is still ours: a pid may have been given to another process since.
running() {
  local pid
  pid=$(cat "$cluster/broker-$1.pid" 2>/dev/null) || return 1
  [[ -n $pid ]] && { tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -qF "$cluster/broker-$1.properties"
}

fetch() {
  local mark="$dir/libs/.fetched"
  cmp -s "$here/pom.xml" "$mark" && return
  rm -rf "$dir/libs"
  mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$dir/libs" \
    >"$dir/maven.log" 2>&1 || skip "Maven cannot fetch the broker: $(grep -m1 ERROR "$dir/maven.log" || tail -1 "$dir/maven.log")"
  cp "$here/pom.xml" "$mark"
}

configure() {
  local n=$1 voters=$2 in_sync=$((brokers == 3 ? 2 : 1))
  cat >"$cluster/broker-$n.properties" <<PROPERTIES
process.roles=broker,controller
node.id=$n
controller.quorum.voters=$voters
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$((port + n - 1)),CONTROLLER://127.0.0.1:$((port + 99 + n))
advertised.listeners=PLAINTEXT://127.0.0.1:$((port + n - 1))
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$cluster/data-$n
auto.create.topics.enable=false
# An event has 16 MiB at most; the rest is room for its envelope.
message.max.bytes=20971520
replica.fetch.max.bytes=20971520
# The log is the truth: nothing ages out of it, and its times are the broker's.
log.retention.ms=-1
log.message.timestamp.type=LogAppendTime
default.replication.factor=$brokers
min.insync.replicas=$in_sync
offsets.topic.replication.factor=$brokers
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=$brokers
transaction.state.log.min.isr=$in_sync
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=$brokers
share.coordinator.state.topic.min.isr=$in_sync
group.initial.rebalance.delay.ms=0
PROPERTIES
}

# Whether somebody listens on a port; a broker that cannot have its port ends after it was found to be there.
taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

launch() {
  local n=$1 config="$cluster/broker-$1.properties"
  java -Xmx64m -cp "$dir/libs/*" kafka.tools.StorageTool format --ignore-formatted \
    --cluster-id "$(cat "$cluster/cluster-id")" --config "$config" >"$cluster/format-$n.log" 2>&1 \
    || fail "broker $n cannot format its storage, see $cluster/format-$n.log"
  nohup java -Xms64m "-Xmx$heap" -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$dir/libs/*" kafka.Kafka "$config" \
    >"$cluster/broker-$n.log" 2>&1 </dev/null &
  echo $! >"$cluster/broker-$n.pid"
}

await() {
  local n=$1 end=$((SECONDS + 60))
  until taken $((port + n - 1)); do
    # Twice: a process that was just forked does not bear its name yet.
    running "$n" || { sleep 1; running "$n"; } || fail "broker $n ended, see $cluster/broker-$n.log"
    ((SECONDS < end)) || fail "broker $n did not open its port within 60 s, see $cluster/broker-$n.log"
    sleep 0.2
  done
}

other=$((4 - brokers))
cluster=$dir/cluster-$other running 1 && fail "a cluster of $other brokers is running on these ports, stop it first"
mkdir -p "$cluster"
fetch
# 16 bytes in base64, as Kafka names clusters; without - and _, because a name that begins with - is taken for an option.
[[ -s $cluster/cluster-id ]] || head -c 16 /dev/urandom | base64 | tr '+/' 'ab' | tr -d '=' >"$cluster/cluster-id"
voters=""
for ((n = 1; n <= brokers; n++)); do voters+="${voters:+,}$n@127.0.0.1:$((port + 99 + n))"; done
for ((n = 1; n <= brokers; n++)); do
  running "$n" && continue
  for own in $((port + n - 1)) $((port + 99 + n)); do
    ! taken "$own" || fail "another process listens on port $own; name another with DRIFTLINE_KAFKA_PORT"
  done
  configure "$n" "$voters"
  launch "$n"
done
list=""
for ((n = 1; n <= brokers; n++)); do
  await "$n"
  list+="${list:+,}127.0.0.1:$((port + n - 1))"
done
echo "$list"
