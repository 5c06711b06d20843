//! What a configuration may say, and what is refused with which words.

use super::*;

fn read(text: &str) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("driftline.toml");
    std::fs::write(&path, text).expect("written");
    Config::read(&path)
}

#[test]
fn the_least_configuration_is_a_folder_and_a_broker() {
    let config = read("data = \"d\"\n[kafka]\nbrokers = \"127.0.0.1:9092\"\n").expect("valid");
    assert_eq!(config.kafka.topic, "code-events");
    assert_eq!(config.labels.waiting_days.get(), 90);
}

#[test]
fn the_example_says_every_key_and_its_default() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/driftline.toml");
    let example = Config::read(&path).expect("is valid");
    let least = read(&format!("data = {:?}\n[kafka]\nbrokers = {:?}\n", example.data, example.kafka.brokers))
        .expect("is valid");
    // What cannot be left out and be shown at once.
    let kafka = KafkaConfig {
        create_topics: example.kafka.create_topics.clone(),
        properties: example.kafka.properties.clone(),
        ..least.kafka.clone()
    };
    assert_eq!(example, Config { kafka, ..least });
    let text = std::fs::read_to_string(&path).expect("reads");
    let all = toml::to_string(&Config {
        control_key_file: Some("k".into()),
        webhook: vec![WebhookConfig { url: "u".into(), secret_file: "s".into() }],
        ..example
    })
    .expect("is written");
    for line in all.lines().filter_map(|line| line.split_once(" = ")) {
        let key = line.0.trim_matches('"');
        let is_shown = text.contains(&format!("{key} =")) || text.contains(&format!("\"{key}\" ="));
        assert!(is_shown, "the example does not show {key}");
    }
}

#[test]
fn a_misspelt_key_is_named_with_its_line() {
    let error = read("data = \"d\"\nworker = 2\n[kafka]\nbrokers = \"b\"\n").expect_err("refused").to_string();
    assert!(error.contains("worker") && error.contains("line 2"), "{error}");
}

#[test]
fn an_event_may_not_be_larger_than_a_record() {
    let least = "data = \"d\"\n[kafka]\nbrokers = \"b\"\n[limits]\nevent_bytes_max =";
    read(&format!("{least} 20967424\n")).expect("as large as can be");
    let error = read(&format!("{least} 20967425\n")).expect_err("refused").to_string();
    assert!(error.contains("limits.event_bytes_max"), "{error}");
}

#[test]
fn an_allowed_host_is_a_name() {
    let with =
        |name: &str| read(&format!("data = \"d\"\n[kafka]\nbrokers = \"b\"\n[http]\nallowed_hosts = [\"{name}\"]\n"));
    assert_eq!(with("*.example.org").expect("valid").http.allowed_hosts, ["*.example.org"]);
    let error = with("https://example.org").expect_err("refused").to_string();
    assert!(error.contains("http.allowed_hosts") && error.contains("https://example.org"), "{error}");
}

#[test]
fn workers_are_bounded() {
    let most = workers_max();
    assert_eq!(parse_workers(&most.to_string()).map(NonZeroUsize::get), Ok(most));
    for text in ["0", "-1", "x", "5000000", &(most + 1).to_string()] {
        assert!(parse_workers(text).expect_err("refused").contains(&format!("1 to {most}")), "{text}");
    }
    let text = format!("data = \"d\"\nworkers = {}\n[kafka]\nbrokers = \"b\"\n", most + 1);
    let error = read(&text).expect_err("refused").to_string();
    assert!(error.contains("`workers`") && error.contains(&most.to_string()), "{error}");
}

#[test]
fn a_property_that_cannot_be_used_is_named() {
    let with = |property: &str| {
        read(&format!("data = \"d\"\n[kafka]\nbrokers = \"b\"\nproperties = {{ {property} }}\n"))
            .map(drop)
            .map_err(|error| error.to_string())
    };
    with("\"socket.keepalive.enable\" = \"true\", \"client.id\" = \"quality\"").expect("valid");
    for (property, said) in [
        ("\"securty.protocol\" = \"ssl\"", "cannot be used: No such configuration property"),
        ("\"security.protocol\" = \"carrier pigeon\"", "security.protocol"),
        ("\"socket.timeout.ms\" = \"soon\"", "socket.timeout.ms"),
        ("\"isolation.level\" = \"read_uncommitted\"", "relies on its own value"),
        ("\"bootstrap.servers\" = \"x\"", "relies on its own value"),
        ("\"metadata.broker.list\" = \"x\"", "relies on its own value"),
        ("\"plugin.library.paths\" = \"x\"", "relies on its own value"),
        ("\"acks\" = \"1\"", "relies on its own value"),
        ("\"transactional.id\" = \"a\"", "relies on its own value"),
        ("\"linger.ms\" = 5", "expected a string"),
    ] {
        let error = with(property).expect_err(property);
        assert!(error.contains(said), "{property}: {error}");
    }
}

#[test]
fn what_cannot_work_is_refused_before_anything_is_asked() {
    let kafka = |line: &str| format!("data = \"d\"\n[kafka]\nbrokers = \"b\"\n{line}\n");
    let limits = |line: &str| format!("{}[limits]\n{line}\n", kafka(""));
    let webhook = |url: &str| format!("{}[[webhook]]\nurl = \"{url}\"\nsecret_file = \"s\"\n", kafka(""));
    for (text, key) in [
        (kafka("topic = \"\""), "kafka.topic"),
        (kafka("predictions = \"\""), "kafka.predictions"),
        (kafka("alerts = \"a b\""), "kafka.alerts"),
        (kafka("dead_letters = \"..\""), "kafka.dead_letters"),
        (kafka("topic = \"a\\u0000b\""), "kafka.topic"),
        (kafka("group = \"\""), "kafka.group"),
        (kafka("group = \"a\\u0000b\""), "kafka.group"),
        (kafka("create_topics = { partitions = 3000000000, replication = 1 }"), "kafka.create_topics.partitions"),
        (kafka("create_topics = { partitions = 3, replication = 40000 }"), "kafka.create_topics.replication"),
        (limits("event_bytes_max = 0\nfile_bytes_max = 0"), "limits.event_bytes_max"),
        (limits("files_max = 0"), "limits.files_max"),
        (limits("path_bytes_max = 0"), "limits.path_bytes_max"),
        (limits("clock_skew_s_max = -1"), "limits.clock_skew_s_max"),
        (webhook("http://"), "webhook.url"),
        (webhook("http://a b/"), "webhook.url"),
    ] {
        let error = read(&text).expect_err(&text).to_string();
        assert!(error.contains(&format!("`{key}`")), "{text}: {error}");
    }
}

#[test]
fn brokers_are_hosts_and_ports() {
    let with = |brokers: &str| read(&format!("data = \"d\"\n[kafka]\nbrokers = \"{brokers}\"\n")).map(drop);
    for right in ["b", "b:1,c:65535", "[::1]:9092", "::1", "PLAINTEXT://b:9092, c", "127.0.0.1:9092"] {
        with(right).expect(right);
    }
    for wrong in ["b:", "b:0", "b:65536", ":9092", "b:x", "a b:1", "a,,b", "http://:1"] {
        let said = with(wrong).expect_err(wrong).to_string();
        assert!(said.contains("`kafka.brokers`: names"), "{wrong}: {said}");
    }
}

#[test]
fn an_address_of_another_machine_is_no_place_to_listen() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = format!("data = {:?}\nlisten = \"192.0.2.1:7070\"\n[kafka]\nbrokers = \"b\"\n", folder.path());
    let said = read(&text).expect("is valid").check_environment(Path::new("f")).expect_err("refused").to_string();
    assert!(said.contains("`listen`: 192.0.2.1 is no address of this machine"), "{said}");
}

#[test]
fn keys_and_secrets_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (at, data) = (|name: &str| folder.path().join(name), folder.path().join("data"));
    std::fs::write(at("short"), b"x").expect("written");
    std::fs::write(at("secret"), b"whsec_!!!").expect("written");
    let environment = |lines: &str| {
        let text = format!("data = {data:?}\n{lines}");
        read(&text).expect("is valid").check_environment(Path::new("f")).map_err(|error| error.to_string())
    };
    let key = |name: &str| environment(&format!("control_key_file = {:?}\n[kafka]\nbrokers = \"b\"\n", at(name)));
    key("new").expect("is made when it is needed");
    for wrong in ["short", "."] {
        assert!(key(wrong).expect_err(wrong).contains("`control_key_file`"), "{wrong}");
    }
    for wrong in ["secret", "short", "missing"] {
        let lines =
            format!("[kafka]\nbrokers = \"b\"\n[[webhook]]\nurl = \"http://a\"\nsecret_file = {:?}\n", at(wrong));
        assert!(environment(&lines).expect_err(wrong).contains("`webhook.secret_file`"), "{wrong}");
    }
}

#[test]
fn an_output_topic_may_not_be_the_input() {
    let error = read("data = \"d\"\n[kafka]\nbrokers = \"b\"\nalerts = \"code-events\"\n").expect_err("refused");
    let said = error.to_string();
    assert!(said.contains("`kafka.alerts`: is the same topic as `kafka.topic`"), "{said}");
}
