//! Names and histories of repositories made with git.

use super::*;
use std::process::Command;

fn git(folder: &Path, args: &[&str]) -> String {
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
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A repository at `path` with commits of these subjects.
fn repository(path: &Path, subjects: &[&str]) -> RepoArg {
    std::fs::create_dir_all(path).expect("is made");
    git(path, &["init", "-q", "-b", "main", "."]);
    for subject in subjects {
        git(path, &["commit", "-q", "--allow-empty", "-m", subject]);
    }
    RepoArg::at(path)
}

fn chosen(arg: &RepoArg) -> Chosen {
    choose(std::slice::from_ref(arg)).expect("is a repository").pop().expect("one was named")
}

fn one(arg: &RepoArg) -> Located {
    chosen(arg).located.expect("one that is alone is found or refused")
}

fn commits(path: &Path) -> Vec<CommitId> {
    let list = git(path, &["rev-list", "HEAD"]);
    list.lines().map(|hex| CommitId::from_hex(hex).expect("hex")).collect()
}

/// What a data folder calls it, with a log that holds `in_log`; what is new is remembered.
fn settle(data: &Path, arg: &RepoArg, in_log: &[(&str, Vec<CommitId>)]) -> Result<String, RepositoryError> {
    let find = |name: &str| in_log.iter().find(|(known, _)| *known == name).map_or(Vec::new(), |(_, ids)| ids.clone());
    let mut memory = Memory::read(data)?;
    let name = memory.settle(&[chosen(arg)], find)?.remove(0);
    memory.write()?;
    Ok(name.expect("what is found has a name"))
}

#[test]
fn an_argument_is_a_path_with_or_without_a_name() {
    let parse = |text: &str| RepoArg::parse(text.into());
    let named = RepoArg { name: Some("team/app".to_owned()), path: "/srv/app".into() };
    assert_eq!(parse("team/app=/srv/app"), Ok(named));
    for text in ["app", "./a=b", "/srv/a=b", "../a=b", "~x=y"] {
        assert_eq!(parse(text), Ok(RepoArg::at(text)), "{text}");
    }
    assert!(parse("=app").is_err() && parse("app=").is_err() && parse("a\nb=app").is_err());
}

#[test]
fn two_paths_with_one_name_and_one_path_given_twice_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |path: &str| folder.path().join(path);
    let (x, y) = (repository(&at("x/app"), &["one"]), repository(&at("y/app"), &["two"]));
    let refused = |args: &[RepoArg]| choose(args).err().expect("is refused");
    let error = refused(&[x.clone(), y.clone()]);
    assert!(error.is_usage() && error.to_string().contains("--repo NAME="), "{error}");
    std::fs::create_dir(at("x/app/src")).expect("is made");
    std::os::unix::fs::symlink(at("x/app"), at("link")).expect("is linked");
    for again in ["x/app", "x/app/src", "x/app/.git", "link"] {
        let error = refused(&[x.clone(), RepoArg { name: Some("other".to_owned()), ..RepoArg::at(at(again)) }]);
        assert!(matches!(error, RepositoryError::GivenTwice { .. }), "{again}: {error}");
    }
    choose(&[x, RepoArg { name: Some("second".to_owned()), ..y }]).expect("a name of its own is enough");
}

#[test]
fn a_folder_inside_a_work_tree_finds_its_repository() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let app = folder.path().join("app");
    repository(&app, &["one"]);
    std::fs::create_dir_all(app.join("src/inner")).expect("is made");
    let inner = one(&RepoArg::at(app.join("src/inner")));
    assert_eq!((inner.name(), inner.place()), ("app", &*app.canonicalize().expect("is there")));
    assert!(Located::at(folder.path()).is_err(), "what lies in no repository is none");
}

#[test]
fn a_name_with_control_characters_is_escaped() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let odd = repository(&folder.path().join("a\x1b[2J\nb"), &["one"]);
    assert_eq!(one(&odd).name(), "a\\u{1b}[2J\\nb");
    parse_name(one(&odd).name()).expect("events can carry it");
}

#[test]
fn another_history_under_a_known_name_is_refused_with_advice() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (at, data) = (|path: &str| folder.path().join(path), folder.path().join("data"));
    std::fs::create_dir(&data).expect("is made");
    let (x, y) = (repository(&at("x/app"), &["one"]), repository(&at("y/app"), &["two"]));
    assert_eq!(settle(&data, &x, &[]).expect("is new"), "app");
    let error = settle(&data, &y, &[]).expect_err("is another history");
    assert!(!error.is_usage() && error.to_string().contains("--repo NAME="), "{error}");
    let empty = repository(&at("z/app"), &[]);
    settle(&data, &empty, &[]).expect_err("a repository without commits is not that one either");
    assert_eq!(settle(&data, &x, &[]).expect("is the same"), "app");
    let named = RepoArg { name: Some("other".to_owned()), ..y };
    assert_eq!(settle(&data, &named, &[]).expect("has a name of its own"), "other");
    assert_eq!(settle(&data, &RepoArg::at(named.path), &[]).expect("is known at its place"), "other");
}

#[test]
fn a_history_that_got_a_root_or_was_deepened_is_the_same() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (at, data) = (|path: &str| folder.path().join(path), folder.path().join("data"));
    std::fs::create_dir(&data).expect("is made");
    let full = repository(&at("full/app"), &["one", "two", "three"]);
    let url = format!("file://{}", full.path.display());
    std::fs::create_dir(at("shallow")).expect("is made");
    git(&at("shallow"), &["clone", "-q", "--depth", "1", &url, "app"]);
    let shallow = RepoArg::at(at("shallow/app"));
    assert_eq!(settle(&data, &shallow, &[]).expect("is new"), "full/app");
    assert_eq!(one(&shallow).missing_parents(), commits(&full.path)[1..2]);
    git(&shallow.path, &["fetch", "-q", "--unshallow"]);
    assert_eq!(settle(&data, &shallow, &[]).expect("was deepened"), "full/app");
    assert!(one(&shallow).missing_parents().is_empty());
    git(&shallow.path, &["checkout", "-q", "--orphan", "side"]);
    git(&shallow.path, &["commit", "-q", "--allow-empty", "-m", "another root"]);
    git(&shallow.path, &["checkout", "-q", "main"]);
    git(&shallow.path, &["merge", "-q", "--allow-unrelated-histories", "-m", "merge", "side"]);
    assert_eq!(settle(&data, &shallow, &[]).expect("got a root"), "full/app");
    assert_eq!(one(&shallow).roots().len(), 2);
}

#[test]
fn a_shallow_clone_is_known_by_what_the_log_holds() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (at, data) = (|path: &str| folder.path().join(path), folder.path().join("data"));
    std::fs::create_dir(&data).expect("is made");
    let full = repository(&at("full/app"), &["one", "two", "three"]);
    git(&full.path, &["remote", "add", "origin", "https://example.org/full/app.git"]);
    assert_eq!(settle(&data, &full, &[]).expect("is new"), "full/app");
    std::fs::create_dir(at("shallow")).expect("is made");
    git(&at("shallow"), &["clone", "-q", "--depth", "1", &format!("file://{}", full.path.display()), "app"]);
    let shallow = RepoArg::at(at("shallow/app"));
    let log = [("full/app", commits(&full.path))];
    assert_eq!(settle(&data, &shallow, &log).expect("shares its newest commit"), "full/app");
    let old = [("full/app", commits(&full.path)[1..].to_vec())];
    let error = settle(&data, &shallow, &old).expect_err("nothing in common can be seen");
    assert!(error.to_string().contains("git fetch --unshallow"), "{error}");
}

#[test]
fn a_folder_of_an_earlier_version_keeps_its_names() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (at, data) = (|path: &str| folder.path().join(path), folder.path().join("data"));
    std::fs::create_dir(&data).expect("is made");
    let app = repository(&at("app"), &["one"]);
    git(&app.path, &["remote", "add", "origin", "https://example.org/owner/tool.git"]);
    let other = repository(&at("other"), &["two"]);
    let strange = [("tool", commits(&other.path))];
    assert_eq!(settle(&data, &app, &strange).expect("`tool` is somebody else"), "owner/tool");
    std::fs::remove_file(data.join(FILE)).expect("is there");
    assert_eq!(settle(&data, &app, &[("tool", commits(&app.path))]).expect("is known as `tool`"), "tool");
    assert_eq!(settle(&data, &app, &[]).expect("stays so"), "tool");
    std::fs::write(data.join(FILE), b"{").expect("is written");
    assert!(settle(&data, &app, &[]).expect_err("is damaged").to_string().contains("remove it"));
}

#[test]
fn an_unborn_branch_has_no_commits_yet() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let empty = repository(&folder.path().join("empty"), &[]);
    assert_eq!(one(&empty).no_commits().as_deref(), Some("no commits yet"));
    assert!(one(&empty).roots().is_empty());
    let other = repository(&folder.path().join("other"), &["one"]);
    assert_eq!(one(&other).no_commits(), None);
    git(&other.path, &["symbolic-ref", "HEAD", "refs/heads/master"]);
    let said = one(&other).no_commits().expect("`master` does not exist");
    assert!(said.contains("on `master`") && said.contains("refs/heads/main"), "{said}");
}

#[test]
fn a_range_is_resolved_or_refused_before_any_work() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let app = repository(&folder.path().join("app"), &["one", "two", "three"]);
    git(&app.path, &["branch", "side", "HEAD~1"]);
    git(&app.path, &["checkout", "-q", "side"]);
    git(&app.path, &["commit", "-q", "--allow-empty", "-m", "aside"]);
    git(&app.path, &["checkout", "-q", "main"]);
    let located = one(&app);
    let all = commits(&app.path);
    assert_eq!(located.range("HEAD~2..HEAD").expect("is a range"), all[..2]);
    assert_eq!(located.range("HEAD~2..").expect("is a range"), all[..2]);
    assert_eq!(located.range("side..HEAD").expect("is a range"), all[..1]);
    assert_eq!(located.range("HEAD~1").expect("is one commit"), all[1..2]);
    assert_eq!(located.range("HEAD..HEAD~1").expect("is empty"), []);
    let refused = |range: &str| located.range(range).expect_err("is refused").to_string();
    assert!(refused("nowhere..HEAD").contains("`nowhere` names no commit"));
    assert!(refused("main..side").contains("git switch side"));
    assert!(refused("side...main").contains("write side..main"));
    assert!(refused("HEAD:").contains("names no commit"));
    for blank in ["", " ", "..", " .. "] {
        let error = located.range(blank).expect_err("is refused");
        assert!(error.is_usage() && error.to_string().contains("write HEAD"), "{error}");
    }
}

#[test]
fn one_of_several_may_be_missing_and_keeps_its_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (at, data) =
        (|path: &str| folder.path().canonicalize().expect("is there").join(path), folder.path().join("data"));
    std::fs::create_dir(&data).expect("is made");
    let (x, y) = (repository(&at("x"), &["one"]), repository(&at("y"), &["two"]));
    git(&x.path, &["remote", "add", "origin", "https://example.org/owner/tool.git"]);
    assert_eq!(settle(&data, &x, &[]).expect("is new"), "owner/tool");
    std::fs::rename(at("x"), at("away")).expect("is moved");
    let both = choose(&[x.clone(), y]).expect("the other is there");
    let mut memory = Memory::read(&data).expect("is readable");
    let names = memory.settle(&both, |_| Vec::new()).expect("nothing can be compared");
    assert_eq!(names, [Some("owner/tool".to_owned()), Some("y".to_owned())], "as it was called at this place");
    assert!(choose(std::slice::from_ref(&x)).is_err(), "alone there is nothing to do");
    assert!(choose(&[x.clone(), x]).is_err(), "one place is one repository, there or not");
}

#[test]
fn a_remembered_name_gives_way_to_one_that_is_given() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (at, data) = (|path: &str| folder.path().join(path), folder.path().join("data"));
    std::fs::create_dir(&data).expect("is made");
    let app = repository(&at("x/app"), &["one"]);
    let named = RepoArg { name: Some("tool".to_owned()), ..app.clone() };
    assert_eq!(settle(&data, &named, &[]).expect("is new"), "tool");
    std::fs::create_dir(at("y")).expect("is made");
    git(&at("y"), &["clone", "-q", &at("x/app").display().to_string(), "fork"]);
    let fork = RepoArg { name: Some("tool".to_owned()), ..RepoArg::at(at("y/fork")) };
    let both = choose(&[app, fork]).expect("they have names of their own");
    let names = Memory::read(&data).expect("is readable").settle(&both, |_| Vec::new()).expect("they share a history");
    assert_eq!(names, [Some("app".to_owned()), Some("tool".to_owned())]);
}

#[test]
fn a_work_tree_elsewhere_is_opened_by_its_git_folder() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let app = repository(&folder.path().join("app"), &["one"]);
    let tree = folder.path().join("tree");
    std::fs::create_dir(&tree).expect("is made");
    std::fs::rename(app.path.join(".git"), folder.path().join("apart.git")).expect("is moved");
    let apart = RepoArg::at(folder.path().join("apart.git"));
    git(&apart.path, &["config", "core.worktree", &tree.display().to_string()]);
    let path = chosen(&apart).path();
    assert!(Located::at(&path).is_ok(), "{} opens", path.display());
    std::fs::create_dir_all(app.path.join("HEAD")).expect("is made");
    git(&app.path, &["init", "-q", "-b", "main", "."]);
    assert!(Located::at(&app.path.join("HEAD")).is_ok(), "a folder called so is no repository of its own");
}
