//! Finding a repository and what it is called, before anything of its history is read.
//!
//! Its name is `owner/name` of its origin, or else its folder's name. Credentials in an address are never part of it, and
//! what no record may hold (control characters) stands in it escaped.

use super::change::commit_id;
use super::error::{Cause, CollectError};
use super::regular;
use crate::terminal::shown;
use driftline_schema::CommitId;
use gix::ObjectId;
use gix::bstr::ByteSlice as _;
use gix::sec::Trust;
use std::path::{Path, PathBuf};

/// Longest name of a repository in bytes; longer ones are refused by every reader of events.
const NAME_BYTES_MAX: usize = 255;

/// A repository on disk.
pub struct Located {
    pub(super) repo: gix::ThreadSafeRepository,
    place: PathBuf,
    name: String,
    earlier: Vec<String>,
}

/// Opens the repository that `path` is, or lies in: a work tree, a folder inside one, or a bare repository.
///
/// Nothing of the repository is executed and no filter applied, so its owner need not be trusted.
pub(super) fn open(path: &Path) -> Result<gix::Repository, CollectError> {
    let refuse = |source: Cause| CollectError::NotARepository { path: path.to_owned(), source };
    let settings = gix::open::Options::isolated().with(Trust::Full);
    regular::check(path)?;
    let direct = match gix::open_opts(path, settings.clone()) {
        Ok(repo) => return readable(repo, path),
        Err(error) => error,
    };
    // Only a folder that is no repository itself may lie in one; a damaged one must not be passed over.
    let looks_bare = path.join("HEAD").exists() && path.join("objects").exists();
    if path.join(".git").exists() || looks_bare {
        return Err(CollectError::CannotOpen { path: path.to_owned(), source: direct.into() });
    }
    if !path.is_dir() {
        return Err(refuse(direct.into()));
    }
    let both = gix::sec::trust::Mapping { full: settings.clone(), reduced: settings };
    let found = gix::ThreadSafeRepository::discover_opts(path, gix::discover::upwards::Options::default(), both);
    readable(found.map_err(|error| refuse(error.to_string().into()))?.to_thread_local(), path)
}

/// Refuses a repository whose references are kept in a form that this build cannot read: it would look empty.
fn readable(repo: gix::Repository, path: &Path) -> Result<gix::Repository, CollectError> {
    let storage = repo.config_snapshot().string("extensions.refStorage");
    if !storage.is_some_and(|storage| storage.trim().eq_ignore_ascii_case(b"reftable")) {
        return Ok(repo);
    }
    let source: Cause =
        "its references are a reftable, which is not read here; `git refs migrate --ref-format=files` in it \
                         (git 2.46 or later) makes files of them"
            .into();
    Err(CollectError::CannotOpen { path: path.to_owned(), source })
}

impl Located {
    /// Finds the repository at `path`.
    pub fn at(path: &Path) -> Result<Self, CollectError> {
        let repo = open(path)?;
        let git_dir = repo.git_dir();
        let place = std::fs::canonicalize(repo.workdir().unwrap_or(git_dir)).unwrap_or_else(|_| git_dir.to_owned());
        let (name, earlier) = (default_name(&repo), earlier_names(&repo));
        Ok(Self { repo: repo.into_sync(), place, name, earlier })
    }

    /// The top folder of the work tree, or the bare repository, without symbolic links.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// What it is called unless somebody says otherwise.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What versions before names had an owner called it.
    pub fn earlier_names(&self) -> &[String] {
        &self.earlier
    }

    /// A view of it for one thread.
    pub(super) fn repository(&self) -> gix::Repository {
        self.repo.to_thread_local()
    }

    /// Whether it has this commit.
    pub fn holds(&self, commit: CommitId) -> bool {
        let id = ObjectId::from_bytes_or_panic(commit.as_bytes());
        let repo = self.repository();
        // A repository of the other kind of id cannot even be asked.
        id.kind() == repo.object_hash() && repo.has_object(id)
    }

    /// The commits without a parent, or without one that a shallow clone has, that `HEAD` reaches; sorted. As far as they
    /// can be read: damage is told by whoever needs what is damaged.
    pub fn roots(&self) -> Vec<CommitId> {
        let repo = self.repository();
        let Ok(head) = repo.head_id() else { return Vec::new() };
        let shallow = repo.shallow_commits().ok().flatten();
        let is_boundary = |id: &ObjectId| shallow.as_ref().is_some_and(|commits| commits.iter().any(|it| it == id));
        let Ok(walk) = repo.rev_walk([head.detach()]).all() else { return Vec::new() };
        let infos = walk.map_while(Result::ok);
        let roots = infos.filter(|info| info.parent_ids.is_empty() || is_boundary(&info.id));
        let mut roots: Vec<CommitId> = roots.map(|info| commit_id(info.id)).collect();
        roots.sort_unstable();
        roots
    }

    /// The commit that is checked out, if there is one.
    pub fn head(&self) -> Option<CommitId> {
        self.repository().head_id().ok().map(|id| commit_id(id.detach()))
    }

    /// Whether it is a shallow clone.
    pub fn is_shallow(&self) -> bool {
        self.repository().is_shallow().unwrap_or(false)
    }

    /// Why there is no commit to read: `HEAD` names a branch that does not exist yet. `None` when there is one.
    pub fn no_commits(&self) -> Option<String> {
        let repo = self.repository();
        let head = repo.head().ok().filter(gix::Head::is_unborn)?;
        let branch = head.referent_name().map(|name| name.shorten().to_string()).unwrap_or_default();
        let others = || -> Option<Vec<String>> {
            let platform = repo.references().ok()?;
            let names = platform.prefixed("refs/heads/").ok()?.flatten();
            Some(names.take(3).map(|reference| reference.name().shorten().to_string()).collect())
        };
        let others = others().unwrap_or_default();
        Some(match others.first() {
            None => "no commits yet".to_owned(),
            Some(other) => format!(
                "no commits yet on `{branch}`, the branch HEAD names; the repository has {}: \
                 `git symbolic-ref HEAD refs/heads/{other}` chooses one",
                others.join(", ")
            ),
        })
    }
}

/// The name of a repository that nobody named.
pub(super) fn default_name(repo: &gix::Repository) -> String {
    let name = origin(repo).and_then(|url| name_of_address(&url)).or_else(|| folder_name(repo));
    let name = shown(&name.unwrap_or_else(|| "repository".to_owned())).into_owned();
    // An owner whose name leaves no room for the repository's is left out.
    match name.rsplit_once('/') {
        Some((_, last)) if name.len() > NAME_BYTES_MAX => last.to_owned(),
        _ => name,
    }
}

/// What earlier versions called it: the last part of the origin's address, or the folder's name.
fn earlier_names(repo: &gix::Repository) -> Vec<String> {
    let last = origin(repo).and_then(|url| last_part(&url));
    let mut names: Vec<String> = last.into_iter().chain(folder_name(repo)).collect();
    names.dedup();
    names
}

fn origin(repo: &gix::Repository) -> Option<String> {
    repo.config_snapshot().string("remote.origin.url").map(|url| url.to_str_lossy().into_owned())
}

fn folder_name(repo: &gix::Repository) -> Option<String> {
    let folder = std::fs::canonicalize(repo.workdir().unwrap_or_else(|| repo.git_dir())).ok()?;
    last_part(&folder.file_name()?.to_string_lossy())
}

fn last_part(text: &str) -> Option<String> {
    let name = text.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
    let name = name.strip_suffix(".git").unwrap_or(name);
    (!name.is_empty()).then(|| name.to_owned())
}

/// `owner/name` of an address as git takes it: `https://host/owner/name.git`, `user@host:owner/name`,
/// `file:///folder/name`, or a path.
fn name_of_address(address: &str) -> Option<String> {
    let path = match address.split_once("://") {
        // What stands before the first slash is the host, with credentials where there are any.
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => match address.split_once(':') {
            Some((host, path)) if !host.contains('/') => path,
            _ => address,
        },
    };
    // A password with a slash in it moves the host into the path; nothing up to its `@` may be kept.
    let path = match path.rsplit_once('@') {
        Some((_, after)) if address.contains("://") => after.split_once('/').map_or("", |(_, path)| path),
        _ => path,
    };
    let is_name = |part: &&str| !matches!(*part, "" | "." | ".." | "~" | ".git" | "_git" | "scm");
    let mut parts = path.split('/').filter(is_name).rev();
    let last = parts.next()?;
    let name = [".git", ".bundle"].iter().find_map(|end| last.strip_suffix(end)).unwrap_or(last);
    if name.is_empty() {
        return None;
    }
    Some(parts.next().map_or_else(|| name.to_owned(), |owner| format!("{owner}/{name}")))
}

/// A name that somebody gives a repository, if events can carry it.
pub fn parse_name(text: &str) -> Result<String, String> {
    let advice =
        "a name is 1 to 255 bytes, without control characters, and begins and ends with neither `/` nor a blank";
    let ends_well = !text.starts_with(['/', ' ']) && !text.ends_with(['/', ' ']);
    if text.is_empty() || text.len() > NAME_BYTES_MAX || text.chars().any(char::is_control) || !ends_well {
        return Err(format!("`{}` cannot name a repository: {advice}", shown(text)));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_and_the_name_are_the_ends_of_the_address() {
        for (address, name) in [
            ("https://example.org/owner/tool.git", "owner/tool"),
            ("https://example.org/owner/tool/", "owner/tool"),
            ("https://example.org:8443/group/sub/tool", "sub/tool"),
            ("ssh://git@example.org:22/owner/tool.git", "owner/tool"),
            ("git@example.org:owner/tool.git", "owner/tool"),
            ("example.org:tool", "tool"),
            ("git://example.org/tool.git", "tool"),
            ("file:///srv/git/owner/tool.git", "owner/tool"),
            ("/srv/owner/tool/.git", "owner/tool"),
            ("/srv/a:b/tool", "a:b/tool"),
            ("../x/", "x"),
            ("/tmp/backup/tool.bundle", "backup/tool"),
            ("https://example.org/team/_git/tool", "team/tool"),
        ] {
            assert_eq!(name_of_address(address).as_deref(), Some(name), "{address}");
        }
        for address in ["https://example.org/", "https://example.org", "", "/", ".", "host:"] {
            assert_eq!(name_of_address(address), None, "{address}");
        }
    }

    #[test]
    fn credentials_are_never_part_of_a_name() {
        for address in [
            "https://user:s3cret@example.org/owner/tool.git",
            "https://s3cret@example.org/owner/tool",
            "https://user:s3/cret@example.org/owner/tool",
            "https://user:s3@cret@example.org/owner/tool",
            "https://user:pw/s3cret@example.org/tool",
            "s3cret@example.org:owner/tool",
        ] {
            let name = name_of_address(address).expect("has a name");
            assert!(!name.contains("cret") && name.ends_with("tool"), "{address}: {name}");
        }
    }

    #[test]
    fn a_given_name_must_be_one_that_events_can_carry() {
        assert_eq!(parse_name("owner/tool").as_deref(), Ok("owner/tool"));
        for text in ["", "/tool", "tool/", "a\nb", "\u{9b}x", &"x".repeat(256)] {
            assert!(parse_name(text).expect_err("is refused").contains("cannot name a repository"));
        }
    }
}
