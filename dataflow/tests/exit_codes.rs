//! Every row of `docs/exit-codes.md`, brought about with the real binary: the code and the text must be those of the table,
//! and no row may be without a test.

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// How a run ended and all that it printed.
struct Seen {
    code: Option<i32>,
    text: String,
}

type Cases = Vec<(&'static str, Seen)>;

/// A folder with repositories, a key, and data folders that earlier runs left.
struct Place {
    folder: tempfile::TempDir,
}

fn git(folder: &Path, args: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "protocol.file.allow=always"])
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env_remove("GIT_DIR")
        .output()
        .expect("git is installed");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        for (name, commits) in [("app", 3), ("empty", 0), ("broken", 1), ("learnt", 260)] {
            place.repository(name, commits);
        }
        git(&place.path("app"), &["branch", "side", "HEAD~1"]);
        git(&place.path("app"), &["switch", "-q", "side"]);
        git(&place.path("app"), &["commit", "-q", "--allow-empty", "-m", "aside"]);
        git(&place.path("app"), &["switch", "-q", "main"]);
        place.repository("unborn", 1);
        git(&place.path("unborn"), &["symbolic-ref", "HEAD", "refs/heads/master"]);
        std::fs::create_dir_all(place.path("other")).expect("is made");
        git(&place.path("other"), &["clone", "-q", "--depth", "1", &format!("file://{}", place.text("learnt")), "app"]);
        git(&place.path("other/app"), &["remote", "remove", "origin"]);
        let key = place.path("key");
        std::fs::write(&key, b"a key of the test suite").expect("is written");
        std::fs::write(place.path("a.py"), b"def f(a):\n    if a:\n        return 1\n").expect("is written");
        place
    }

    /// A history with a fix in every third commit, a day apart.
    fn repository(&self, name: &str, commits: u32) {
        use std::io::Write as _;
        let folder = self.path(name);
        std::fs::create_dir_all(&folder).expect("is made");
        git(&folder, &["init", "-q", "-b", "main", "."]);
        let mut import = Command::new("git")
            .args(["fast-import", "--quiet"])
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .spawn()
            .expect("git is installed");
        let mut stream = String::new();
        for number in 1..=commits {
            let subject = if number % 3 == 0 { format!("fix {number}") } else { format!("{name} {number}") };
            let text: String = (0..=number % 7).map(|at| format!("def f{at}(a):\n    return a\n")).collect();
            let when = 1_500_000_000 + u64::from(number) * 86_400;
            stream += &format!("commit refs/heads/main\ncommitter Ada <ada@example.org> {when} +0000\n");
            stream += &format!("data {}\n{subject}\nM 100644 inline f{}.py\n", subject.len(), number % 5);
            stream += &format!("data {}\n{text}\n", text.len());
        }
        import.stdin.take().expect("is piped").write_all(stream.as_bytes()).expect("is taken");
        assert!(import.wait().expect("ends").success());
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a temporary path is text").to_owned()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("is written");
    }

    /// A table of changes: of each project 200, all clean or every third one defective.
    fn table(&self, name: &str, projects: &[(&str, bool)]) {
        let all = || projects.iter().flat_map(|(project, is_mixed)| (0..200).map(move |at| (*project, *is_mixed, at)));
        let columns: [(&str, ArrayRef); 4] = [
            ("project", Arc::new(all().map(|(project, ..)| Some(project)).collect::<StringArray>())),
            ("time", Arc::new(all().map(|(.., at)| Some(at)).collect::<Int64Array>())),
            ("buggy", Arc::new(all().map(|(_, is_mixed, at)| Some(is_mixed && at % 3 == 0)).collect::<BooleanArray>())),
            ("la", Arc::new(all().map(|(.., at)| Some(at % 7)).collect::<Int64Array>())),
        ];
        let rows = RecordBatch::try_from_iter(columns).expect("columns of one length");
        let file = std::fs::File::create(self.path(name)).expect("is made");
        let mut writer = ArrowWriter::try_new(file, rows.schema(), None).expect("a writer");
        writer.write(&rows).expect("is written");
        writer.close().expect("is written");
    }

    /// The command line, with words in order; the folder is the current one.
    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_driftline"));
        command.args(line.split_whitespace()).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("HOME", self.path("home")).env_remove("XDG_CONFIG_HOME").env_remove("GIT_DIR");
        command.env("DRIFTLINE_AUTHOR_KEY_FILE", self.path("key"));
        command
    }

    fn run(&self, line: &str) -> Seen {
        ended(self.command(line))
    }
}

fn ended(mut command: Command) -> Seen {
    let output = command.output().expect("driftline runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Seen { code: output.status.code(), text: text(&output.stdout) + &text(&output.stderr) }
}

const UP: &str = "--listen 127.0.0.1:0 --exit-when-idle";

fn done(at: &Place) -> Cases {
    at.table("some.parquet", &[("mixed", true), ("spotless", false)]);
    let mut cases = vec![
        ("done", at.run(&format!("up app --data data {UP}"))),
        ("no-commits-followed", at.run(&format!("up empty --data of-empty {UP}"))),
        ("unborn-branch-followed", at.run(&format!("up unborn --data of-unborn {UP}"))),
        ("abstention-allowed", at.run("risk HEAD --repo app --data data --abstain-ok")),
        ("projects-left-out", at.run("evaluate --data some.parquet")),
    ];
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = at.command("risk HEAD --repo app --data data --abstain-ok --json");
    command.stdout(writer);
    let output = command.stderr(Stdio::piped()).spawn().expect("driftline runs").wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!text.contains("panicked"), "{text}");
    cases.push(("closed-pipe", Seen { code: output.status.code(), text: text + "-" }));
    cases
}

fn failed_on_repositories(at: &Place) -> Cases {
    let objects = std::fs::read_dir(at.path("broken/.git/objects")).expect("is readable");
    for folder in objects.flatten().filter(|entry| entry.file_name() != "pack" && entry.file_name() != "info") {
        std::fs::remove_dir_all(folder.path()).expect("is there");
    }
    let history = at.run(&format!("up other/app --data data {UP}"));
    at.repository("garbled", 1);
    std::fs::write(at.path("garbled/.git/config"), "[core\n").expect("writes");
    vec![
        ("not-a-repository", at.run(&format!("up nowhere --data data {UP}"))),
        ("repository-cannot-be-opened", at.run(&format!("up garbled --data of-garbled {UP}"))),
        ("damaged-repository", at.run(&format!("up broken --data of-broken {UP}"))),
        ("unknown-revision", at.run("risk nowhere..HEAD --repo app --data data")),
        ("unknown-since", at.run("collect git app --since nowhere --out events.jsonl --author-key-file key")),
        ("range-not-checked-out", at.run("risk main..side --repo app --data data")),
        ("other-history", history),
    ]
}

fn failed_on_data(at: &Place) -> Cases {
    let lock = std::fs::File::options().read(true).write(true).open(at.path("data/LOCK")).expect("was left");
    lock.lock().expect("nobody has it");
    let in_use = at.run(&format!("up app --data data {UP}"));
    drop(lock);
    std::fs::create_dir(at.path("no-log")).expect("is made");
    let memory = std::fs::read(at.path("data/repositories.json")).expect("was left");
    at.write("data/repositories.json", "{");
    let damaged = at.run(&format!("up app --data data {UP}"));
    std::fs::write(at.path("data/repositories.json"), memory).expect("is written");
    std::os::unix::fs::symlink(at.path("a.py"), at.path("data/link")).expect("is linked");
    let link = at.run(&format!("up app --data data {UP}"));
    std::fs::remove_file(at.path("data/link")).expect("removes");
    git(&at.path("."), &["clone", "-q", "app", "behind"]);
    git(&at.path("behind"), &["reset", "-q", "--hard", "HEAD~1"]);
    let behind = at.run("risk HEAD --repo app=behind --data data");
    at.repository("planted", 1);
    std::fs::create_dir_all(at.path("planted/.driftline/code-events")).expect("is made");
    at.write("planted/.driftline/code-events/topic.json", "{}");
    git(&at.path("planted"), &["add", "-f", "."]);
    git(&at.path("planted"), &["commit", "-q", "-m", "planted"]);
    let mut planted = at.command(&format!("up {UP}"));
    planted.current_dir(at.path("planted"));
    let typo = at.run("replay --verify --data typo");
    assert!(!at.path("typo").exists(), "a folder was made of a typing error");
    vec![
        ("data-in-use", in_use),
        ("data-link", link),
        ("data-tracked", ended(planted)),
        ("followed-elsewhere", behind),
        ("memory-damaged", damaged),
        ("no-data-folder", typo),
        ("no-log", at.run("export --data no-log --out x.parquet")),
        ("data-is-no-folder", at.run(&format!("up app --data /dev/null {UP}"))),
        ("unknown-commit", at.run("explain ffffffff --data data")),
        ("bad-commit", at.run("explain xyz --data data")),
        ("unknown-repository", at.run("explain abcdef --repository nobody --data data")),
    ]
}

fn failed_on_keys(at: &Place) -> Cases {
    let with = |key: &str| {
        let mut command = at.command("risk HEAD --repo app --data data");
        command.env("DRIFTLINE_AUTHOR_KEY_FILE", at.path(key));
        ended(command)
    };
    at.write("other-key", "another key of the test suite");
    let (missing, another, unusable) = (with("lost-key"), with("other-key"), with("app"));
    assert!(!at.path("lost-key").exists(), "a key was made in place of the lost one");
    let fingerprint = at.path("data/author-key.fingerprint");
    let before = std::fs::read(&fingerprint).expect("was left");
    std::fs::remove_file(&fingerprint).expect("is there");
    std::fs::create_dir(&fingerprint).expect("is made");
    let unreadable = at.run("risk HEAD --repo app --data data");
    std::fs::remove_dir(&fingerprint).expect("is there");
    std::fs::write(&fingerprint, before).expect("is written");
    vec![
        ("key-missing", missing),
        ("key-another", another),
        ("key-unusable", unusable),
        ("fingerprint-unreadable", unreadable),
    ]
}

fn failed_on_files(at: &Place) -> Cases {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("is bound");
    let address = taken.local_addr().expect("is bound");
    at.write("bad.thresholds", "no_such_smell = 1\n");
    at.write("read.me", "no source\n");
    at.table("none.parquet", &[("spotless", false), ("tidy", false)]);
    std::fs::create_dir_all(at.path("papers")).expect("is made");
    let mut full = at.command("metrics a.py --json");
    full.stdout(std::fs::File::options().write(true).open("/dev/full").expect("Linux has it"));
    let full = full.stderr(Stdio::piped()).spawn().expect("driftline runs").wait_with_output().expect("it ends");
    let full = Seen { code: full.status.code(), text: String::from_utf8_lossy(&full.stderr).into_owned() };
    vec![
        ("export-out", at.run("export --data data --out /dev/null")),
        ("collect-out", at.run("collect git app --out /dev/null --author-key-file key")),
        ("collect-target", at.run("collect git app --to amqp://b/t --author-key-file key")),
        ("address-in-use", at.run(&format!("up app --data data --listen {address} --exit-when-idle"))),
        ("thresholds-unreadable", at.run("metrics a.py --thresholds /dev/zero")),
        ("thresholds-malformed", at.run("metrics a.py --thresholds bad.thresholds")),
        ("metrics-incomplete", at.run("metrics a.py read.me")),
        ("nothing-to-measure", at.run("metrics a.py papers")),
        ("nothing-evaluated", at.run("evaluate --data none.parquet")),
        ("table-unreadable", at.run("evaluate --data /dev/zero")),
        ("table-not-parquet", at.run("evaluate --data a.py")),
        ("output-full", full),
    ]
}

/// A cluster of the client library's own on which nobody may write predictions.
fn failed_on_results(at: &Place) -> Cases {
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::DefaultProducerContext;
    let mock: MockCluster<'static, DefaultProducerContext> = MockCluster::new(1).expect("starts");
    for topic in ["code-events", "predictions", "alerts", "dead-letters"] {
        mock.create_topic(topic, 1, 1).expect("creates");
    }
    let refuse = rdkafka::types::RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    mock.topic_error("predictions", refuse).expect("is refused");
    let brokers = mock.bootstrap_servers();
    let collected = at.run(&format!("collect git app --to kafka://{brokers}/code-events --author-key-file key"));
    assert_eq!(collected.code, Some(0), "{}", collected.text);
    let key = "control_key_file = \"control.key\"\nlisten = \"127.0.0.1:0\"";
    at.write("refused.toml", &format!("data = \"refused\"\n{key}\n[kafka]\nbrokers = \"{brokers}\"\n"));
    vec![("undelivered", at.run("run --config refused.toml --exit-when-idle"))]
}

fn usage(at: &Place) -> Cases {
    vec![
        ("unknown-option", at.run("up --no-such-option")),
        ("one-name", at.run(&format!("up app other/app --data new {UP}"))),
        ("given-twice", at.run(&format!("up app --repo again=./app --data new {UP}"))),
        ("bad-name", at.run(&format!("up --repo a/=app --data new {UP}"))),
        ("two-sided-range", at.run("risk side...main --repo app --data data")),
        ("blank-range", at.run("risk .. --repo app --data data")),
        ("train-share", at.run("evaluate --data a.py --train-share 1")),
        ("workers", at.run("up app --data new --workers 5000")),
    ]
}

fn verdicts(at: &Place) -> Cases {
    git(&at.path("other"), &["clone", "-q", "--depth", "2", &format!("file://{}", at.text("learnt")), "shallow"]);
    vec![
        ("risk-over", at.run("risk HEAD~9..HEAD --repo learnt --data of-learnt --fail-over 0")),
        ("metrics-over", at.run("metrics a.py --fail-over cyclomatic=1")),
        ("abstention", at.run("risk HEAD~1..HEAD --repo app --data data")),
        ("shallow-clone", at.run("risk HEAD --repo other/shallow --data of-shallow")),
        ("shallow-revision", at.run("risk HEAD~7..HEAD --repo other/shallow --data of-shallow")),
        ("empty-range", at.run("risk HEAD..HEAD --repo app --data data")),
        ("no-commits", at.run("risk HEAD --repo empty --data of-empty")),
    ]
}

fn configuration(at: &Place) -> Cases {
    at.write("bad.toml", "data = \"d\"\nbogus = 1\n[kafka]\nbrokers = \"x\"\n");
    at.write("value.toml", "data = \"d\"\n[kafka]\nbrokers = \" \"\n");
    let secret = "[[webhook]]\nurl = \"http://127.0.0.1:9/\"\nsecret_file = \"/dev/zero\"\n";
    at.write("secret.toml", &format!("data = \"d\"\n[kafka]\nbrokers = \"127.0.0.1:9\"\n{secret}"));
    let property = "properties = { \"securty.protocol\" = \"ssl\" }\n";
    at.write("property.toml", &format!("data = \"d\"\n[kafka]\nbrokers = \"127.0.0.1:9\"\n{property}"));
    at.write("silent.toml", "data = \"silent\"\n[kafka]\nbrokers = \"127.0.0.1:9\"\n");
    // Both wait until they give up; side by side it takes half the time.
    let mut collect = at.command("collect git app --to kafka://127.0.0.1:9/t --author-key-file key");
    let collect = collect.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("driftline runs");
    let silent = at.run("check --config silent.toml");
    let output = collect.wait_with_output().expect("it ends");
    let collect = Seen { code: output.status.code(), text: String::from_utf8_lossy(&output.stderr).into_owned() };
    vec![
        ("brokers-silent", silent),
        ("collect-brokers-silent", collect),
        ("configuration-unreadable", at.run("check --config /dev/zero")),
        ("configuration-malformed", at.run("check --config bad.toml")),
        ("configuration-value", at.run("run --config value.toml")),
        ("configuration-property", at.run("run --config property.toml")),
        ("secret-unreadable", at.run("check --config secret.toml")),
    ]
}

/// Row, code and text of the tables.
fn rows() -> BTreeMap<String, (i32, String)> {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/exit-codes.md")).expect("is there");
    let mut rows = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [row, code, _situation, text, remedy] = cells[..] else { panic!("five columns: {line}") };
        let (row, text) = (row.trim_matches('`').to_owned(), text.trim_matches('`').to_owned());
        assert!(!remedy.is_empty(), "{line}");
        let before = rows.insert(row, (code.parse().expect("a code is a number"), text));
        assert!(before.is_none(), "twice: {line}");
    }
    rows
}

#[test]
fn every_row_of_the_table_ends_and_says_as_it_stands_there() {
    let (place, mut rows) = (Place::new(), rows());
    let steps = [
        done,
        failed_on_repositories,
        failed_on_data,
        failed_on_keys,
        failed_on_files,
        failed_on_results,
        usage,
        verdicts,
        configuration,
    ];
    let mut faults = Vec::new();
    for (row, seen) in steps.iter().flat_map(|step| step(&place)) {
        let Some((code, text)) = rows.remove(row) else { panic!("`{row}` is not in the table") };
        if seen.code != Some(code) || !seen.text.contains(&text) {
            faults.push(format!("{row}: expected {code} and `{text}`, seen {:?} and {}", seen.code, seen.text));
        }
        assert!(!seen.text.contains("panicked"), "{row}: {}", seen.text);
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert!(rows.is_empty(), "rows without a test: {:?}", rows.keys());
}
