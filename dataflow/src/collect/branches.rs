//! Branches: what they are called, which one a person means, and where each points.
//!
//! A branch is known by its full name, which is bytes: a local branch `origin/main` and the remote-tracking one of that
//! short name are two, and git takes names that are not UTF-8. In files and for people such a name is written with `%XX`
//! for what is no text; a name that looks so itself has its `%` written as `%25`, so that each text means one name.

use super::error::{Cause, CollectError};
use super::history::Shared;
use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice as _};
use std::collections::BTreeMap;

/// Where short names of branches are looked up, in this order.
const PREFIXES: [&str; 2] = ["refs/heads/", "refs/remotes/"];
/// Names that are compared at most with one that does not exist.
const NAMES_COMPARED_MAX: usize = 1_000;
/// How many of them are listed.
const NAMES_LISTED: usize = 3;

/// A name as text.
pub(super) fn to_text(name: &BStr) -> String {
    match name.to_str() {
        Ok(text) if next_escape(text.as_bytes()).is_none() => text.to_owned(),
        _ => {
            let mut text = String::new();
            for chunk in name.utf8_chunks() {
                text += &chunk.valid().replace('%', "%25");
                chunk.invalid().iter().for_each(|byte| text += &format!("%{byte:02X}"));
            }
            text
        }
    }
}

/// The name that a text stands for.
pub(super) fn from_text(text: &str) -> BString {
    let (mut name, mut rest) = (BString::default(), text.as_bytes());
    while let Some((at, byte)) = next_escape(rest) {
        name.extend_from_slice(&rest[..at]);
        name.push(byte);
        rest = &rest[at + 3..];
    }
    name.extend_from_slice(rest);
    name
}

/// Where the next byte written as `%XX` begins, and that byte: `%` itself or one that is not ASCII.
fn next_escape(text: &[u8]) -> Option<(usize, u8)> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    };
    text.windows(3).enumerate().find_map(|(at, part)| {
        let byte = digit(part[1])? << 4 | digit(part[2])?;
        (part[0] == b'%' && (byte == b'%' || !byte.is_ascii())).then_some((at, byte))
    })
}

/// What people call a branch: without the folder of its kind, unless only that tells it from another that `is_there`.
pub(super) fn short(name: &BStr, is_there: impl Fn(&BString) -> bool) -> String {
    let Some(short) = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix.as_bytes())) else {
        return to_text(name);
    };
    let mut named_so = PREFIXES.iter().map(|prefix| BString::from([prefix.as_bytes(), short].concat()));
    let is_shared = named_so.any(|other| other.as_bstr() != name && is_there(&other));
    to_text(if is_shared { name } else { short.as_bstr() })
}

/// The branch that `asked` names, short or in full, and its commit.
pub(super) fn named(repo: &gix::Repository, shared: &Shared, asked: &str) -> Result<(BString, ObjectId), CollectError> {
    let refuse = |why: String| {
        let (branch, repository) = (asked.to_owned(), shared.name.clone());
        CollectError::NoSuchBranch { branch, repository, why }
    };
    let in_full = PREFIXES.iter().any(|prefix| asked.starts_with(prefix));
    let names = PREFIXES.map(|prefix| if in_full { asked.to_owned() } else { format!("{prefix}{asked}") });
    let as_written = names.iter().map(|name| BString::from(name.as_str()));
    for name in as_written.chain(names.iter().map(|name| from_text(name))) {
        // What cannot be a name is none.
        let Some(reference) = find(repo, name.as_bstr()).unwrap_or_default() else { continue };
        let id = commit_of(reference).map_err(|error| refuse(format!("it leads to no commit: {error}")))?;
        return Ok((name, id));
    }
    let is_tag = find(repo, format!("refs/tags/{asked}").as_str().into()).is_ok_and(|tag| tag.is_some());
    let is_revision = || repo.rev_parse_single(asked).is_ok();
    Err(refuse(match nearest(repo, asked) {
        _ if is_tag || asked.starts_with("refs/tags/") => "it is a tag, and only branches can be named here".to_owned(),
        _ if is_revision() => "it is a revision, and only branches can be named here".to_owned(),
        near if near.is_empty() => "there is no branch at all".to_owned(),
        near => format!("the nearest are {}", near.join(", ")),
    }))
}

/// Short names of branches that are most like `asked`.
fn nearest(repo: &gix::Repository, asked: &str) -> Vec<String> {
    let Ok(platform) = repo.references() else { return Vec::new() };
    let mut names: Vec<(usize, String)> = Vec::new();
    for prefix in PREFIXES {
        let Ok(list) = platform.prefixed(prefix) else { continue };
        for reference in list.flatten().take(NAMES_COMPARED_MAX) {
            let name = to_text(reference.name().shorten());
            let last = name.rsplit('/').next().unwrap_or_default();
            names.push((distance(&name, asked).min(distance(last, asked)), name));
        }
    }
    names.sort();
    names.into_iter().take(NAMES_LISTED).map(|(_, name)| name).collect()
}

/// How many characters must be put in, left out or changed to make `b` of `a`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(100).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (at, sign) in a.chars().take(100).enumerate() {
        let mut before = std::mem::replace(&mut row[0], at + 1);
        for (column, other) in b.iter().enumerate() {
            let changed = before + usize::from(sign != *other);
            before = row[column + 1];
            row[column + 1] = changed.min(before + 1).min(row[column] + 1);
        }
    }
    row[b.len()]
}

/// The reference of exactly this full name. One that git moves into the packed references at this moment may seem to be
/// missing, so what is missing is looked for again.
fn find<'repo>(repo: &'repo gix::Repository, name: &BStr) -> Result<Option<gix::Reference<'repo>>, Cause> {
    let exact = || -> Result<Option<gix::Reference<'repo>>, Cause> {
        // The library also looks in other folders for what is not there.
        Ok(repo.try_find_reference(name)?.filter(|found| found.name().as_bstr() == name))
    };
    Ok(match exact()? {
        None => exact()?,
        found => found,
    })
}

/// The commit of a branch, if the branch exists.
pub(super) fn head(repo: &gix::Repository, shared: &Shared, name: &BStr) -> Result<Option<ObjectId>, CollectError> {
    let Some(reference) = find(repo, name).map_err(|error| shared.references(error))? else { return Ok(None) };
    // An alias goes with the branch that it stands for.
    if let gix::refs::TargetRef::Symbolic(target) = reference.target() {
        let target = find(repo, target.as_bstr()).map_err(|error| shared.references(error))?;
        if target.is_none() {
            return Ok(None);
        }
    }
    let id = reference.into_fully_peeled_id().map_err(|error| shared.references(error))?;
    Ok(Some(id.detach()))
}

/// All local and remote-tracking branches that lead to a commit.
pub(super) fn all(repo: &gix::Repository, shared: &Shared) -> Result<BTreeMap<BString, ObjectId>, CollectError> {
    let platform = repo.references().map_err(|error| shared.references(error))?;
    let mut heads = BTreeMap::new();
    for prefix in PREFIXES {
        let list = platform.prefixed(prefix).map_err(|error| shared.references(error))?;
        for reference in list {
            let reference = match reference {
                Ok(reference) => reference,
                Err(error) => {
                    shared.pass_over(&format!("a reference in {prefix}"), &error);
                    continue;
                }
            };
            let name = reference.name().as_bstr().to_owned();
            match commit_of(reference) {
                // The remote's own HEAD is a second name of one of its branches.
                Ok(_) if prefix == "refs/remotes/" && name.ends_with(b"/HEAD") => {}
                Ok(id) => drop(heads.insert(name, id)),
                Err(error) => shared.pass_over(&short(name.as_bstr(), |_| false), &error),
            }
        }
    }
    Ok(heads)
}

/// The commit that a reference leads to.
fn commit_of(reference: gix::Reference<'_>) -> Result<ObjectId, Cause> {
    let id = reference.into_fully_peeled_id()?;
    match id.header()?.kind() {
        gix::objs::Kind::Commit => Ok(id.detach()),
        kind => Err(format!("{id} is a {kind}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_itself_unless_it_is_no_text_or_looks_like_that() {
        for (name, text) in [
            (&b"refs/heads/main"[..], "refs/heads/main"),
            ("refs/heads/gr\u{fc}n%20%2f%e2".as_bytes(), "refs/heads/gr\u{fc}n%20%2f%e2"),
            (b"refs/heads/\xff%", "refs/heads/%FF%25"),
            (b"refs/heads/%FF", "refs/heads/%25FF"),
            (b"refs/heads/%25FF", "refs/heads/%2525FF"),
        ] {
            assert_eq!((to_text(name.as_bstr()).as_str(), from_text(text)), (text, name.into()));
        }
    }

    proptest! {
        #[test]
        fn every_name_has_a_text_of_its_own(name in proptest::collection::vec(prop_oneof![
            Just(b'%'), Just(b'2'), Just(b'5'), Just(b'F'), Just(0xff), any::<u8>()
        ], 0..12)) {
            prop_assert_eq!(from_text(&to_text(name.as_bstr())), BString::from(name));
        }
    }

    #[test]
    fn a_short_name_that_two_branches_share_is_told_in_full() {
        let names = ["refs/heads/main", "refs/heads/origin/main", "refs/remotes/origin/main"].map(BString::from);
        let short: Vec<String> =
            names.iter().map(|name| short(name.as_bstr(), |other| names.contains(other))).collect();
        assert_eq!(short, ["main", "refs/heads/origin/main", "refs/remotes/origin/main"]);
    }

    #[test]
    fn the_distance_counts_changes() {
        assert_eq!((distance("main", "mian"), distance("", "abc"), distance("topic", "topics")), (2, 3, 1));
    }
}
