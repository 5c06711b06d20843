//! The command line, without a process.

use super::kit::Repo;
use crate::collect::{CollectArgs, run};
use clap::Parser;
use driftline_schema::{Limits, wire};

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: CollectArgs,
}

fn parse(line: &[&str]) -> Result<CollectArgs, clap::Error> {
    Line::try_parse_from([&["collect"], line].concat()).map(|line| line.args)
}

#[test]
fn a_history_goes_into_a_file_line_by_line() {
    let repo = Repo::new();
    repo.write("f", "1\n").commit("first");
    repo.write("f", "2\n").commit("second");
    let (out, key) = (repo.join("out/events.jsonl"), repo.join("out/key"));
    std::fs::create_dir(repo.join("out")).expect("is made");
    let (path, out_text, key) = (repo.path().to_str(), out.to_str(), key.to_str());
    let (path, out_text, key) = (path.expect("text"), out_text.expect("text"), key.expect("text"));
    let line = ["git", path, "--out", out_text, "--author-key-file", key, "--repository", "demo", "--since", "HEAD~1"];
    let args = parse(&line).expect("parses");
    let summary = run(&args).expect("runs");
    let written = std::fs::read(&out).expect("is written");
    let lines: Vec<&[u8]> = written.split_inclusive(|byte| *byte == b'\n').collect();
    assert_eq!((summary.events, summary.bytes, lines.len()), (1, written.len() as u64, 1));
    let decoded = wire::decode(lines[0].trim_ascii_end(), &Limits::default()).expect("is an event");
    assert_eq!((decoded.unknown_fields, decoded.event.repository.as_str()), (0, "demo"));
    assert_eq!(decoded.event.change.expect("a change").message, "second\n");
    run(&args).expect("runs again");
    assert_eq!(std::fs::read(&out).expect("is written"), written, "the same key gives the same bytes");
}

#[test]
fn a_failure_leaves_the_file_that_was_there_and_a_device_stays_one() {
    let repo = Repo::new();
    repo.write("f", "1\n").commit("first");
    std::fs::create_dir(repo.join("out")).expect("is made");
    let (out, key) = (repo.join("out/events.jsonl"), repo.join("out/key"));
    std::fs::write(&out, b"of an earlier run\n").expect("is written");
    let text = |path: &std::path::Path| path.to_str().expect("text").to_owned();
    let (path, out_text, key) = (text(repo.path()), text(&out), text(&key));
    let line = ["git", &path, "--out", &out_text, "--author-key-file", &key, "--since", "nowhere"];
    run(&parse(&line).expect("parses")).expect_err("there is no such revision");
    assert_eq!(std::fs::read(&out).expect("is there"), b"of an earlier run\n");
    let blob = repo.git(&["rev-parse", "HEAD:f"]);
    std::fs::remove_file(repo.join(&format!(".git/objects/{}/{}", &blob[..2], &blob[2..]))).expect("is there");
    let line = ["git", &path, "--out", &out_text, "--author-key-file", &key];
    run(&parse(&line).expect("parses")).expect_err("a content is missing");
    assert_eq!(std::fs::read(&out).expect("is there"), b"of an earlier run\n");
    assert_eq!(std::fs::read_dir(repo.join("out")).expect("readable").count(), 2, "nothing is left aside");
    let line = ["git", &path, "--out", "/dev/null", "--author-key-file", &key];
    let error = run(&parse(&line).expect("parses")).expect_err("a device is refused");
    assert!(error.to_string().contains("/dev/null"), "{error}");
}

#[test]
fn nothing_that_is_not_ours_to_replace_is_written_over() {
    let repo = Repo::new();
    repo.write("f", "1\n").commit("first");
    let data = repo.join("data");
    std::fs::create_dir_all(data.join("code-events/0")).expect("is made");
    std::fs::write(data.join("LOCK"), b"").expect("is written");
    std::fs::write(data.join("code-events/0/00000000000000000000.log"), b"records").expect("is written");
    let key = repo.join("key");
    let text = |path: &std::path::Path| path.to_str().expect("text").to_owned();
    for (out, said) in [
        (key.clone(), "author key"),
        (repo.join("data/../key"), "author key"),
        (data.join("code-events/0/00000000000000000000.log"), "data folder"),
        (data.join("new"), "data folder"),
        (repo.join(".git/HEAD"), "git folder"),
        (repo.join(".git/refs/heads/new"), "git folder"),
    ] {
        let before = std::fs::read(&out).ok();
        let line = ["git", &text(repo.path()), "--out", &text(&out), "--author-key-file", &text(&key)];
        let error = run(&parse(&line).expect("parses")).expect_err("is refused");
        let because = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        assert!(because.contains(said), "{}: {error}: {because}", out.display());
        assert_eq!(std::fs::read(&out).ok().filter(|_| before.is_some()), before, "{}", out.display());
    }
}

#[test]
fn one_target_must_be_given() {
    assert!(parse(&["git", "."]).is_err());
    assert!(parse(&["git", ".", "--out", "a", "--to", "kafka://b:1/t"]).is_err());
    assert!(parse(&["git", ".", "--out", "a", "--branch", "b", "--all-branches"]).is_err());
    assert!(parse(&["git", ".", "--out", "a", "--threads", "0"]).is_err());
    let help = parse(&["git", "--help"]).expect_err("help").to_string();
    assert!(help.contains("Examples:") && help.contains("`driftline/author.key`"), "{help}");
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let repo = Repo::new();
    let out = repo.join("nowhere/events.jsonl");
    let key = repo.join("key");
    let line = [
        "git",
        &repo.path().display().to_string(),
        "--out",
        &out.display().to_string(),
        "--author-key-file",
        &key.display().to_string(),
    ]
    .map(str::to_owned);
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    let error = run(&parse(&line).expect("parses")).expect_err("cannot be written").to_string();
    assert!(error.contains("nowhere/events.jsonl"), "{error}");
}
