//! Reads files of cases: small sources that have what is looked for, or have not.

use std::path::Path;

/// One source and what is expected of it.
pub(crate) struct Case {
    /// What is looked for.
    pub(crate) kind: String,
    /// Whether it is there.
    pub(crate) expected: bool,
    /// Line, header and number, for messages.
    pub(crate) title: String,
    /// The source.
    pub(crate) source: String,
}

/// The cases of a file, templates filled in.
pub(crate) fn read(folder: &str, file: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder).join(format!("{file}.txt"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut cases = Vec::new();
    let (mut header, mut body) = (None, Vec::new());
    for (index, line) in text.lines().enumerate() {
        if let Some(head) = line.strip_prefix("=== ") {
            cases.extend(header.replace((index + 1, head)).into_iter().flat_map(|head| expand(head, &body)));
            body.clear();
        } else {
            body.push(line);
        }
    }
    cases.extend(header.into_iter().flat_map(|head| expand(head, &body)));
    cases
}

fn expand((line, head): (usize, &str), body: &[&str]) -> Vec<Case> {
    let mut words = head.split(' ');
    let kind = words.next().expect("a kind").to_owned();
    let mut cases = Vec::new();
    for sign in words.take_while(|word| word.starts_with(['+', '-'])) {
        for number in sign[1..].split(',') {
            let n = number.parse().unwrap_or(0);
            let title = format!("{line}: {head} (N = {n})");
            cases.push(Case { kind: kind.clone(), expected: sign.starts_with('+'), title, source: fill(body, n) });
        }
    }
    assert!(!cases.is_empty(), "line {line}: a case needs a sign");
    cases
}

fn fill(body: &[&str], n: usize) -> String {
    let mut source = String::new();
    for line in body {
        let repeated = line.strip_prefix('%').and_then(|rest| rest.split_once(' '));
        match repeated.and_then(|(times, text)| Some((if times == "N" { n } else { times.parse().ok()? }, text))) {
            Some((times, text)) => {
                for count in 1..=times {
                    let text = text
                        .replace("{in}", &"    ".repeat(count))
                        .replace("{}", &count.to_string())
                        .replace("\\n", "\n");
                    source.push_str(&join(&text, n));
                    source.push('\n');
                }
            }
            None => {
                source.push_str(&join(&line.replace("{in}", &"    ".repeat(n + 1)), n));
                source.push('\n');
            }
        }
    }
    source
}

/// Fills in `{join:SEPARATOR:TEXT}`.
fn join(line: &str, n: usize) -> String {
    let mut filled = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("{join:") {
        let (separator, after) = after.split_once(':').expect("a separator");
        let (text, after) = after.split_once('}').expect("a closing brace");
        let parts: Vec<String> = (1..=n).map(|count| text.replace('@', &count.to_string())).collect();
        filled.push_str(before);
        filled.push_str(&parts.join(separator));
        rest = after;
    }
    filled + rest
}
