//! What a commit message says: its subject, whether it speaks of a fix, and which commits it names.
//!
//! Only the words count, never the length: reading is linear in the message, which has a limit of its own.

/// Characters of the subject that are kept.
const SUBJECT_CHARACTERS_MAX: usize = 120;

/// Words that speak of a corrective change, in order; each counts only as a whole word, in any case. After the lists
/// of Mockus and Votta (2000) and Hindle et al. (2008), with the inflected forms spelled out.
const FIX_WORDS: [&str; 43] = [
    "broken",
    "bug",
    "bugfix",
    "bugfixes",
    "buggy",
    "bugs",
    "crash",
    "crashed",
    "crashes",
    "crashing",
    "defect",
    "defects",
    "error",
    "errors",
    "fail",
    "failed",
    "failing",
    "fails",
    "failure",
    "failures",
    "fault",
    "faults",
    "faulty",
    "fix",
    "fixed",
    "fixes",
    "fixing",
    "fixup",
    "flaw",
    "flaws",
    "hotfix",
    "incorrect",
    "incorrectly",
    "mistake",
    "mistakes",
    "patch",
    "patched",
    "patches",
    "problem",
    "problems",
    "regression",
    "regressions",
    "wrong",
];

/// The first line that is not blank, trimmed, at most 120 characters.
pub(super) fn subject(message: &str) -> Box<str> {
    let line = message.trim_start().lines().next().unwrap_or("").trim_end();
    match line.char_indices().nth(SUBJECT_CHARACTERS_MAX) {
        Some((end, _)) => line[..end].into(),
        None => line.into(),
    }
}

/// Whether the message holds a word of a corrective change: `fix`, but not `prefix`.
pub(super) fn speaks_of_a_fix(message: &str) -> bool {
    const LONGEST: usize = 11;
    message.split(|c: char| !c.is_alphanumeric()).any(|word| {
        let mut lower = [0; LONGEST];
        let Some(lower) = lower.get_mut(..word.len()) else { return false };
        lower.copy_from_slice(word.as_bytes());
        lower.make_ascii_lowercase();
        FIX_WORDS.binary_search_by(|listed| listed.as_bytes().cmp(lower)).is_ok()
    })
}

/// Object id prefixes that `Fixes:` trailers name, in order, in lower case; several may follow, separated by commas.
pub(super) fn fixes(message: &str) -> Vec<Box<str>> {
    let mut found = Vec::new();
    for line in message.lines() {
        let Some(mut rest) = strip_prefix_any_case(line.trim_start(), "fixes:") else { continue };
        while let Some((id, after)) = leading_id(rest.trim_start()) {
            keep(&mut found, id);
            let Some(more) = after.trim_start().strip_prefix(',') else { break };
            rest = more;
        }
    }
    found
}

/// Object id prefixes named by git's sentence `This reverts commit <id>`, in order, in lower case.
pub(super) fn reverts(message: &str) -> Vec<Box<str>> {
    const SENTENCE: &str = "this reverts commit";
    let mut found = Vec::new();
    for (start, _) in message.char_indices().filter(|(_, c)| matches!(c, 't' | 'T')) {
        if let Some(rest) = strip_prefix_any_case(&message[start..], SENTENCE)
            && let Some((id, _)) = leading_id(rest.trim_start())
        {
            keep(&mut found, id);
        }
    }
    found
}

fn strip_prefix_any_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// The 7 to 64 hex digits that `text` begins with, if they are a word of their own, and what follows them.
fn leading_id(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(text.len());
    let (id, rest) = text.split_at(end);
    let whole_word = !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    ((7..=64).contains(&id.len()) && whole_word).then_some((id, rest))
}

fn keep(found: &mut Vec<Box<str>>, id: &str) {
    let id = id.to_ascii_lowercase().into_boxed_str();
    if !found.contains(&id) {
        found.push(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fix_words_are_in_order_so_that_they_are_found() {
        assert!(FIX_WORDS.is_sorted());
        assert!(FIX_WORDS.iter().all(|word| speaks_of_a_fix(&format!("it: {}!", word.to_uppercase()))));
    }

    #[test]
    fn only_whole_words_speak_of_a_fix() {
        for yes in ["Fix the parser", "closes the bug-report", "a_fix", "Hotfix", "BUG: x", "FIX"] {
            assert!(speaks_of_a_fix(yes), "{yes}");
        }
        for no in ["prefix", "fixture", "debug the affix", "terror", "", "Añade función", "dispatch"] {
            assert!(!speaks_of_a_fix(no), "{no}");
        }
    }

    #[test]
    fn the_subject_is_the_first_line_cut_at_a_character() {
        assert_eq!(&*subject("\n  one two \r\nthree"), "one two");
        assert_eq!(subject(&"é".repeat(200)).chars().count(), 120);
        assert_eq!(&*subject(""), "");
    }

    #[test]
    fn trailers_name_commits_and_not_issues() {
        let message =
            "x\n\nFixes: 54A4F0239F2E (\"KVM: deadbeef\")\nfixes:1234567,89abcdef\nFixes: #123\nFixes: abcdefg1\n";
        assert_eq!(fixes(message), ["54a4f0239f2e".into(), "1234567".into(), "89abcdef".into()] as [Box<str>; 3]);
        assert!(fixes("This Fixes: 1234567").is_empty());
        assert!(fixes(&format!("Fixes: {}", "a".repeat(65))).is_empty());
    }

    #[test]
    fn a_revert_names_its_commit_even_over_a_line_break() {
        let id = "ab".repeat(20);
        let message = format!("Revert \"x\"\n\nThis reverts commit\n{id}.\n\nthis reverts commit {id}, reversing");
        assert_eq!(reverts(&message), [id.into_boxed_str()]);
        assert!(reverts("this reverts commit of yesterday").is_empty());
    }
}
