//! Kafka as a source: the client's mock cluster, and a real broker where one is named.

use super::*;
use crate::clock::{Clock, ClockConfig};
use crate::conductor::Conductor;
use crate::controls::testing::rule;
use crate::log::{DataDir, scratch};
use crate::source::{APPEND_TIME_UNKNOWN, AppendError, Appender, LastControls, Next, Record, Source, partition_of};
use driftline_schema::{Control, ControlAction, Event, Position, wire};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use std::sync::Arc;

type Mock = MockCluster<'static, DefaultProducerContext>;

const PATIENCE: Duration = Duration::from_secs(60);

fn mock(brokers: i32, partitions: i32) -> (Mock, KafkaConfig) {
    let mock = MockCluster::new(brokers).expect("starts");
    mock.create_topic("code-events", partitions, brokers).expect("creates");
    let config = KafkaConfig { brokers: mock.bootstrap_servers(), timeout_ms: 20_000, ..KafkaConfig::default() };
    (mock, config)
}

/// Reads `count` records and checks that each partition's offsets ascend.
fn read(source: &mut dyn Source, count: usize) -> Vec<Record> {
    let deadline = Instant::now() + PATIENCE;
    let mut records: Vec<Record> = Vec::new();
    while records.len() < count {
        assert!(Instant::now() < deadline, "{} of {count} records came", records.len());
        let before = records.len();
        for partition in 0..source.partitions() {
            if let Next::Record(record) = source.next(partition).expect("reads") {
                assert_eq!(record.position.partition, partition);
                let last = records.iter().rev().find(|known| known.position.partition == partition);
                assert!(last.is_none_or(|last| last.position.offset < record.position.offset));
                records.push(record);
            }
        }
        if records.len() == before {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    records
}

fn await_end(source: &mut dyn Source, partition: u32) {
    let deadline = Instant::now() + PATIENCE;
    while source.next(partition).expect("reads") != Next::AtEnd {
        assert!(Instant::now() < deadline, "the end was not reached");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn sorted(mut records: Vec<Record>) -> Vec<Record> {
    records.sort();
    records
}

#[test]
fn records_come_in_order_and_from_any_offset() {
    let (_mock, config) = mock(1, 3);
    let appender = KafkaAppender::open(&config).expect("opens");
    for n in 0..300 {
        let key = format!("repo {}", n % 7);
        let partition = appender.append(key.as_bytes(), n.to_string().as_bytes()).expect("appends");
        assert_eq!(partition, partition_of(key.as_bytes(), 3));
    }
    let ends = appender.sync().expect("syncs");
    assert_eq!(ends.iter().sum::<u64>(), 300);
    let mut source = KafkaSource::open(&config).expect("opens");
    assert_eq!(source.range().expect("asks"), ends.iter().map(|&end| 0..end).collect::<Vec<_>>());
    source.seek(&[0, 0, 0]).expect("seeks");
    let all = sorted(read(&mut source, 300));
    for record in &all {
        assert_eq!(record.position.partition, partition_of(&record.key, 3));
        // The mock leaves a producer's time as it is, as a topic does whose times are not the broker's.
        assert!(record.append_time == APPEND_TIME_UNKNOWN && !record.control && record.envelope.is_none());
    }
    (0..3).for_each(|partition| await_end(&mut source, partition));
    assert!(source.end().reached(&ends));
    let start: Vec<u64> = ends.iter().map(|end| end / 2).collect();
    source.seek(&start).expect("seeks");
    assert!(!source.end().reached(&ends));
    let rest: Vec<Record> =
        all.into_iter().filter(|record| record.position.offset >= start[record.position.partition as usize]).collect();
    assert_eq!(sorted(read(&mut source, rest.len())), rest);
}

#[test]
fn an_outage_is_waited_out_and_loses_nothing() {
    let (mock, config) = mock(2, 2);
    let appender = KafkaAppender::open(&config).expect("opens");
    let mut source = KafkaSource::open(&config).expect("opens");
    source.seek(&[0, 0]).expect("seeks");
    let send = |range: std::ops::Range<u32>| {
        for n in range {
            appender.append(&n.to_le_bytes(), b"record").expect("appends");
        }
    };
    send(0..50);
    appender.sync().expect("syncs");
    let mut records = read(&mut source, 30);
    mock.broker_down(1).expect("goes down");
    mock.broker_down(2).expect("goes down");
    send(50..80);
    let deadline = Instant::now() + Duration::from_millis(700);
    while Instant::now() < deadline {
        for partition in 0..2 {
            if let Next::Record(record) = source.next(partition).expect("an outage is no error") {
                records.push(record);
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    mock.broker_up(1).expect("comes up");
    mock.broker_up(2).expect("comes up");
    appender.sync().expect("syncs after the outage");
    records.extend(read(&mut source, 80 - records.len()));
    let positions: std::collections::BTreeSet<Position> = records.iter().map(|record| record.position).collect();
    assert_eq!(positions.len(), 80, "each record once");
}

#[test]
fn passing_errors_of_a_broker_are_retried() {
    let (mock, config) = mock(1, 1);
    use RDKafkaRespErr::{
        RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE as NO_LEADER, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION as NOT_LEADER,
    };
    let appender = KafkaAppender::open(&config).expect("opens");
    mock.request_errors(RDKafkaApiKey::Produce, &[NOT_LEADER, NOT_LEADER]);
    for n in 0..20u32 {
        appender.append(b"repo", &n.to_le_bytes()).expect("appends");
    }
    assert_eq!(appender.sync().expect("syncs"), [20]);
    let mut source = KafkaSource::open(&config).expect("opens");
    mock.request_errors(RDKafkaApiKey::Fetch, &[NOT_LEADER, NO_LEADER]);
    source.seek(&[0]).expect("seeks");
    assert_eq!(read(&mut source, 20).len(), 20);
}

#[test]
fn what_does_not_pass_by_waiting_is_an_error() {
    let (_mock, config) = mock(1, 1);
    let absent = KafkaConfig { topic: "absent".to_owned(), timeout_ms: 300, ..config.clone() };
    let message = KafkaSource::open(&absent).err().expect("refused").to_string();
    assert!(message.contains("topic absent cannot be read"), "{message}");
    let nowhere = KafkaConfig { brokers: "127.0.0.1:1".to_owned(), timeout_ms: 300, ..config.clone() };
    assert!(KafkaSource::open(&nowhere).is_err());
    let properties = [("auto.offset.reset".to_owned(), "latest".to_owned())].into();
    let message = KafkaSource::open(&KafkaConfig { properties, ..config.clone() }).err().expect("refused").to_string();
    assert!(message.contains("`auto.offset.reset` cannot be set"), "{message}");
    let mut source = KafkaSource::open(&config).expect("opens");
    source.seek(&[1_000]).expect("seeks");
    let deadline = Instant::now() + PATIENCE;
    let error = loop {
        assert!(Instant::now() < deadline, "an offset that is not there was passed over");
        match source.next(0) {
            Ok(Next::Record(record)) => panic!("{record:?}"),
            Ok(_) => std::thread::sleep(Duration::from_millis(5)),
            Err(error) => break error.to_string(),
        }
    };
    assert!(error.contains("code-events"), "{error}");
}

#[test]
fn a_record_over_the_limit_is_refused_and_the_next_is_taken() {
    let (_mock, config) = mock(1, 1);
    let appender = KafkaAppender::open(&config).expect("opens");
    let refused = appender.append(b"repo", &vec![0; MESSAGE_BYTES_MAX + 1]);
    assert!(matches!(refused, Err(AppendError::Refused { .. })), "{refused:?}");
    appender.append(b"repo", b"small").expect("appends");
    assert_eq!(appender.sync().expect("syncs"), [1]);
}

#[test]
fn without_a_broker_a_sync_says_what_is_not_durable() {
    let (mock, config) = mock(1, 1);
    let appender = KafkaAppender::open(&KafkaConfig { timeout_ms: 500, ..config }).expect("opens");
    mock.broker_down(1).expect("goes down");
    appender.append(b"repo", b"record").expect("is buffered");
    let error = appender.sync().expect_err("nobody confirmed");
    assert!(matches!(error, AppendError::NotDurable { records: 1, .. }), "{error}");
}

/// Appends, cuts and reads behind the clock; the same on the mock and on a real broker.
fn follow_control_records(config: &KafkaConfig, partitions: usize) {
    let appender = Arc::new(KafkaAppender::open(config).expect("opens"));
    assert_eq!(appender.partitions() as usize, partitions);
    assert_eq!(appender.last_controls(&rule()).expect("scans"), LastControls::default());
    let conductor = Conductor::open(appender.clone(), rule()).expect("opens");
    let send = |count: u32| {
        for n in 0..count {
            appender.append(&n.to_le_bytes(), b"record").expect("appends");
        }
    };
    send(40);
    assert_eq!(conductor.cut().expect("cuts"), 1);
    send(10);
    assert!(conductor.model_ready(1, vec![]).expect("appends"));
    assert_eq!(
        Conductor::open(appender.clone(), rule()).expect("opens").last(),
        LastControls { cut: 1, model_ready: 1, sequence: 2, partitions: 3, foreign: 0 }
    );
    assert_eq!(conductor.cut().expect("cuts, though another was opened"), 2);
    send(5);
    appender.sync().expect("syncs");

    let dir = scratch();
    let data = DataDir::open(dir.path()).expect("free");
    let expected = 55 + 3 * partitions as u64;
    let mut vectors = Vec::new();
    for _run in 0..2 {
        let source = Box::new(KafkaSource::open(config).expect("opens"));
        let clock = Clock::start(source, &data, 1, &ClockConfig::default(), &rule()).expect("starts");
        let deadline = Instant::now() + PATIENCE;
        let mut seen = vec![clock.vector(0).expect("kept")];
        while clock.stats().records_read < expected || clock.idle().is_none() {
            assert!(Instant::now() < deadline, "{:?} {:?}", clock.stats(), clock.failure());
            let released = clock.stats().released;
            (seen.len() as u64..=released).for_each(|time| seen.push(clock.vector(time).expect("kept")));
            clock.completed(0, released);
            std::thread::sleep(Duration::from_millis(2));
        }
        assert_eq!(clock.stats().records_read, expected);
        assert_eq!(clock.stats().control_copies, 3 * partitions as u64);
        vectors.push(seen);
        clock.stop();
    }
    assert_eq!(vectors[0], vectors[1], "the second run repeats the first");
}

#[test]
fn control_records_stand_in_every_partition_and_are_found_again() {
    let (_mock, config) = mock(1, 3);
    follow_control_records(&config, 3);
}

/// Whoever may write to the topic, and can read it, appends to one partition what claims to be a control record.
fn forge(config: &KafkaConfig, partition: i32, payload: &[u8]) {
    let producer: BaseProducer = config.producer().expect("configures").create().expect("creates");
    let mark = OwnedHeaders::new().insert(Header { key: CONTROL_HEADER, value: Some("1") });
    let record = BaseRecord::<[u8], [u8]>::to(&config.topic).partition(partition).payload(payload).headers(mark);
    producer.send(record).map_err(|(error, _)| error).expect("sends");
    producer.flush(PATIENCE).expect("arrives");
}

#[test]
fn forged_and_copied_control_records_neither_hold_the_clock_nor_take_numbers() {
    let (_mock, config) = mock(1, 2);
    let appender = Arc::new(KafkaAppender::open(&config).expect("opens"));
    let conductor = Conductor::open(appender.clone(), rule()).expect("opens");
    for cut in 1..=3 {
        assert_eq!(conductor.cut().expect("cuts"), cut);
        assert!(conductor.model_ready(cut, vec![]).expect("appends"));
    }
    let control = |cut, action| Control { id: crate::conductor::cut_id(cut), action };
    let bare = |action| wire::encode(&Event::of_control(control(1, action)));
    for partition in 0..2 {
        forge(&config, partition, &bare(ControlAction::Cut { cut: u64::MAX }));
        forge(&config, partition, &bare(ControlAction::ModelReady { cut: u64::MAX, models: vec![] }));
    }
    forge(&config, 1, &bare(ControlAction::Tick { time: 5 }));
    // Copies of the first two hide the last from a search that begins at the end.
    for n in 0..2_400u32 {
        appender.append(&n.to_le_bytes(), b"record").expect("appends");
    }
    appender.sync().expect("syncs");
    for (sequence, action) in
        [(1, ControlAction::Cut { cut: 1 }), (2, ControlAction::ModelReady { cut: 1, models: vec![] })]
    {
        let id = if sequence == 1 { crate::conductor::cut_id(1) } else { crate::conductor::model_ready_id(1) };
        forge(&config, 0, &wire::encode(&rule().seal(Control { id, action }, sequence, 2)));
    }
    let again = Conductor::open(appender.clone(), rule()).expect("opens");
    assert_eq!(again.last().sequence, 2, "the search alone is led astray");
    let dir = scratch();
    let data = DataDir::open(dir.path()).expect("free");
    let source = Box::new(KafkaSource::open(&config).expect("opens"));
    let clock = Clock::start(source, &data, 1, &ClockConfig::default(), &rule()).expect("starts");
    again.follow(clock.clone());
    let read = |copies: u64, records: u64| {
        let deadline = Instant::now() + PATIENCE;
        while clock.stats().records_read < records || clock.idle().is_none() {
            assert!(Instant::now() < deadline, "{:?} {:?}", clock.stats(), clock.failure());
            clock.completed(0, clock.stats().released);
            std::thread::sleep(Duration::from_millis(2));
        }
        assert_eq!(clock.stats().control_copies, copies);
    };
    read(12, 2_419);
    assert_eq!(clock.stats().control_repeats, 2, "copies are told from forgeries");
    assert_eq!(again.last(), LastControls { cut: 3, model_ready: 3, sequence: 6, partitions: 2, foreign: 0 });
    assert_eq!(again.cut().expect("cuts"), 4);
    read(14, 2_421);
    clock.stop();
}

/// Writes a control record in a transaction that is then aborted, and one that is left open.
fn half_written(config: &KafkaConfig, partition: i32) -> BaseProducer {
    let mut client = config.producer().expect("configures");
    client.set("transactional.id", format!("driftline-control-{}", config.topic));
    let producer: BaseProducer = client.create().expect("creates");
    producer.init_transactions(PATIENCE).expect("begins");
    let control = driftline_schema::Control {
        id: crate::conductor::cut_id(3),
        action: driftline_schema::ControlAction::Cut { cut: 3 },
    };
    let payload = wire::encode(&rule().seal(control, 4, 3));
    for attempt in 0..2 {
        producer.begin_transaction().expect("begins");
        let mark = OwnedHeaders::new().insert(Header { key: CONTROL_HEADER, value: Some("1") });
        let record = BaseRecord::<[u8], [u8]>::to(&config.topic).partition(partition).payload(&payload).headers(mark);
        producer.send(record).map_err(|(error, _)| error).expect("sends");
        producer.flush(PATIENCE).expect("arrives");
        if attempt == 0 {
            producer.abort_transaction(PATIENCE).expect("aborts");
        }
    }
    producer
}

/// Needs a real broker, since the mock shows what was aborted: `DRIFTLINE_TEST_KAFKA=HOST:PORT`, as printed by
/// `deploy/kafka/start.sh`.
#[test]
fn a_real_broker_hides_half_written_control_records() {
    let Ok(brokers) = std::env::var("DRIFTLINE_TEST_KAFKA") else {
        println!("skipped: DRIFTLINE_TEST_KAFKA names no broker");
        return;
    };
    let topic =
        format!("test-{}-{:?}", std::process::id(), Instant::now()).replace(|c: char| !c.is_alphanumeric(), "-");
    let config = KafkaConfig { brokers, topic: topic.clone(), group: topic.clone(), ..KafkaConfig::default() };
    let spec = TopicSpec { name: topic, partitions: 3, replication: 1, compacted: false };
    assert!(create_topic(&config, &spec).expect("creates"));
    assert!(!create_topic(&config, &spec).expect("is there already"));
    follow_control_records(&config, 3);
    let crashed = half_written(&config, 1);
    let appender = Arc::new(KafkaAppender::open(&config).expect("opens"));
    let watched = KafkaSource::open(&config).expect("opens");
    let open = found(&watched, "the open transaction", Found::open_transaction);
    assert_eq!((open.partition, open.behind), (1, 1));
    let conductor = Conductor::open(appender.clone(), rule()).expect("opens");
    assert_eq!(conductor.last(), LastControls { cut: 2, model_ready: 1, sequence: 3, partitions: 3, foreign: 0 });
    assert_eq!(conductor.cut().expect("fences the crashed one off"), 3);
    found(&watched, "its end", |found| found.open_transaction().is_none().then_some(()));
    crashed.commit_transaction(PATIENCE).expect_err("is fenced off");
    let large = vec![b' '; 16 << 20];
    let partition = appender.append(b"large", &large).expect("appends");
    appender.sync().expect("syncs");
    let mut source = KafkaSource::open(&config).expect("opens");
    source.seek(&[0; 3]).expect("seeks");
    let records = read(&mut source, 55 + 4 * 3 + 1);
    assert_eq!(records.iter().filter(|record| record.control).count(), 12);
    let last = records.iter().rev().find(|record| record.position.partition == partition).expect("is there");
    assert_eq!(last.payload, large);
    (0..3).for_each(|partition| await_end(&mut source, partition));
    let gaps = source.range().expect("asks").iter().map(|range| range.end).sum::<u64>() - records.len() as u64;
    assert!(gaps >= 12, "a transaction's marker takes an offset of its own");
}

#[test]
fn another_engine_on_the_same_log_is_noticed() {
    let (_mock, config) = mock(1, 2);
    let appender = Arc::new(KafkaAppender::open(&config).expect("opens"));
    let conductor = Conductor::open(appender.clone(), rule()).expect("opens");
    let other = Conductor::open(appender, rule()).expect("opens");
    assert_eq!((conductor.cut().expect("cuts"), other.cut().expect("cuts")), (1, 1), "neither has read the other's");
    let (dir, source) = (scratch(), Box::new(KafkaSource::open(&config).expect("opens")));
    let data = DataDir::open(dir.path()).expect("free");
    let clock = Clock::start(source, &data, 1, &ClockConfig::default(), &rule()).expect("starts");
    let deadline = Instant::now() + PATIENCE;
    while clock.stats().records_read < 4 {
        assert!(Instant::now() < deadline, "{:?} {:?}", clock.stats(), clock.failure());
        clock.completed(0, clock.stats().released);
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!((clock.stats().control_copies, clock.stats().control_repeats), (2, 2));
}

/// Waits until the watch has found something.
fn found<R>(source: &KafkaSource, what: &str, look: impl Fn(&Found) -> Option<R>) -> R {
    let (found, deadline) = (source.found(), Instant::now() + PATIENCE);
    loop {
        if let Some(seen) = look(&found) {
            return seen;
        }
        assert!(Instant::now() < deadline, "{what} was not found");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_outage_is_told_while_it_lasts_and_costs_next_to_nothing() {
    let (mock, config) = mock(1, 2);
    let source = KafkaSource::open(&config).expect("opens");
    assert_eq!(source.found().trouble(), None);
    mock.broker_down(1).expect("goes down");
    let reason = found(&source, "the outage", Found::trouble);
    assert!(reason.contains(&config.brokers) && reason.contains("does not answer"), "{reason}");
    assert!(source.found().trouble_lasts().is_some());
    mock.broker_up(1).expect("comes up");
    found(&source, "its end", |found| found.trouble().is_none().then_some(()));
}

/// Appends a record with these raw parts to partition 0.
fn append_raw(config: &KafkaConfig, key: Option<&[u8]>, payload: Option<&[u8]>, header: (&[u8], Option<&[u8]>)) {
    use rdkafka::bindings as native;
    let producer: BaseProducer = config.producer().expect("configures").create().expect("creates");
    let topic = std::ffi::CString::new(config.topic.as_str()).expect("a name");
    let pointer = |bytes: Option<&[u8]>| bytes.map_or(std::ptr::null_mut(), |bytes| bytes.as_ptr().cast_mut().cast());
    let length = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len);
    // SAFETY: all pointers live until the records are handed over, and the library copies key and payload (flag 2).
    unsafe {
        let headers = native::rd_kafka_headers_new(1);
        let (name, value) = header;
        let size = value.map_or(-1, |value| value.len() as isize);
        native::rd_kafka_header_add(headers, name.as_ptr().cast(), name.len() as isize, pointer(value), size);
        let client = producer.client().native_ptr();
        let handle = native::rd_kafka_topic_new(client, topic.as_ptr(), std::ptr::null_mut());
        use native::rd_kafka_vtype_t as V;
        let error = native::rd_kafka_producev(
            client,
            V::RD_KAFKA_VTYPE_RKT,
            handle,
            V::RD_KAFKA_VTYPE_PARTITION,
            0i32,
            V::RD_KAFKA_VTYPE_MSGFLAGS,
            2i32,
            V::RD_KAFKA_VTYPE_KEY,
            pointer(key),
            length(key),
            V::RD_KAFKA_VTYPE_VALUE,
            pointer(payload),
            length(payload),
            V::RD_KAFKA_VTYPE_HEADERS,
            headers,
            V::RD_KAFKA_VTYPE_END,
        );
        assert_eq!(error, native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR);
        native::rd_kafka_topic_destroy(handle);
    }
    producer.flush(PATIENCE).expect("arrives");
}

#[test]
fn keys_values_and_headers_are_read_as_bytes_and_none_ends_the_reader() {
    let (_mock, config) = mock(1, 1);
    append_raw(&config, None, Some(b""), (&[0xff, 0xe9], Some(&[0xfe])));
    append_raw(&config, Some(b"\xff"), None, (b"empty", Some(b"")));
    append_raw(&config, Some(b""), Some(b"v"), (b"none", None));
    let mut source = KafkaSource::open(&config).expect("opens");
    source.seek(&[0]).expect("seeks");
    let records = read(&mut source, 3);
    let seen: Vec<_> = records
        .iter()
        .map(|record| {
            let envelope = record.envelope.as_ref().expect("each has a header");
            let header = envelope.headers.first().expect("is there");
            (
                (envelope.key_is_null, &record.key[..]),
                (envelope.value_is_null, &record.payload[..]),
                (&header.name[..], header.value.as_deref()),
            )
        })
        .collect();
    type Key = (bool, &'static [u8]);
    type Expected = (Key, Key, (&'static [u8], Option<&'static [u8]>));
    let expected: Vec<Expected> = vec![
        ((true, b""), (false, b""), (b"\xff\xe9", Some(b"\xfe"))),
        ((false, b"\xff"), (true, b""), (b"empty", Some(b""))),
        ((false, b""), (false, b"v"), (b"none", None)),
    ];
    assert_eq!(seen, expected);
}
