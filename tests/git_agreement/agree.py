#!/usr/bin/env python3
"""Compares the change events of a repository with what `git log -M --numstat` says of it.

Usage: agree.py REPOSITORY EVENTS.jsonl

Every file change of every non-merge commit must have git's kind, git's old path and git's counts of lines, or a named
rule must say why not. Rules are checked on the contents, not assumed, and counted by name. Exit 1 if anything is left.
"""
import collections
import json
import os
import re
import subprocess
import sys

# Contents up to this size have their lines counted although no event holds them.
COUNTED_BYTES_MAX = 8 << 20
LINKS = ("120000", "160000")


def git(repository, *arguments, **options):
    """git without anything that depends on the machine: configuration, attributes, grafts and replacements."""
    folder = subprocess.run(["git", "-C", repository, "rev-parse", "--absolute-git-dir"], capture_output=True, check=True)
    environment = {
        "PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1", "GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": "/dev/null", "GIT_NO_LAZY_FETCH": "1",
    }
    settings = ["-c", "core.bare=true", "-c", "core.attributesFile=/dev/null", "-c", "safe.directory=*"]
    command = ["git", "--git-dir", folder.stdout.decode().strip(), *settings, *arguments]
    return subprocess.run(command, capture_output=True, check=True, env=environment, **options).stdout


class Change:
    """A file of a commit, as git tells it."""

    def __init__(self, raw, paths):
        self.old_mode, self.new_mode, self.old_blob, self.new_blob, status = raw[1:].split(" ")
        self.status = status[0]
        self.old_path, self.path = (paths[0] if len(paths) > 1 else None), paths[-1]
        self.counts = None


def changes_of(repository, commits):
    """By commit: the files by path."""
    arguments = ["diff-tree", "--stdin", "-z", "-r", "-M", "--root", "--raw", "--numstat", "--no-abbrev", "--no-textconv",
                 "--no-ext-diff"]
    output = git(repository, *arguments, input="".join(commit + "\n" for commit in commits).encode())
    fields = iter(output.split(b"\0"))
    found, files = {}, None
    for field in fields:
        if re.fullmatch(rb"[0-9a-f]{40}|[0-9a-f]{64}", field):
            files = found[field.decode()] = {}
        elif field.startswith(b":"):
            renamed = field.split(b" ")[-1][:1] in b"RC"
            paths = [next(fields) for _ in range(2 if renamed else 1)]
            change = Change(field.decode(), paths)
            files[change.path] = change
        elif field:
            added, removed, path = field.split(b"\t", 2)
            if not path:
                next(fields)
                path = next(fields)
            counts = None if added == b"-" else (int(added), int(removed))
            files[path].counts = counts
    return found


def escaped(path):
    """As events write a path: bytes that are no UTF-8 as `%` and two hex digits."""
    return path.decode("utf-8", "percent")


def percent(error):
    return "".join("%%%02X" % byte for byte in error.object[error.start:error.end]), error.end


def counts_of(file):
    """Lines added and removed, `None` where they are not known."""
    if file.get("line_counts"):
        return file["line_counts"]["added"], file["line_counts"]["removed"]
    known = (None, "not_a_file")
    if file.get("omitted") not in (*known, "event_too_large") or file.get("old_omitted") not in known:
        return None
    hunks = file.get("hunks", [])
    return sum(hunk["new_lines"] for hunk in hunks), sum(hunk["old_lines"] for hunk in hunks)


class Rules:
    """Why a difference is right."""

    def __init__(self, repository):
        self.repository, self.contents = repository, {}
        version = re.search(r"(\d+)\.(\d+)", subprocess.run(["git", "--version"], capture_output=True, text=True).stdout)
        self.last_piece_ignored = tuple(map(int, version.groups())) < (2, 44)

    def content(self, blob):
        if set(blob) == {"0"}:
            return b""
        if blob not in self.contents:
            self.contents[blob] = git(self.repository, "cat-file", "blob", blob)
        return self.contents[blob]

    def is_wide(self, blob):
        data = self.content(blob)
        codec = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(data[:2])
        try:
            return bool(codec) and "\0" not in data[2:].decode(codec)
        except UnicodeDecodeError:
            return False

    def of_counts(self, change, file):
        """Why the counts of lines differ."""
        reasons = {file.get("omitted"), file.get("old_omitted")}
        if change.counts is not None and (change.old_mode in LINKS or change.new_mode in LINKS):
            targets = (change.new_mode in LINKS, change.old_mode in LINKS)
            files = tuple(count - target for count, target in zip(change.counts, targets))
            return "a link or a submodule has no lines, git counts its target as one" if counts_of(file) == files else None
        blobs = [blob for blob in (change.old_blob, change.new_blob) if set(blob) != {"0"}]
        if change.counts is None and any(self.is_wide(blob) for blob in blobs):
            return "UTF-16 is text, git takes it for binary"
        if "too_large" in reasons and counts_of(file) is None:
            if any(len(self.content(blob)) > COUNTED_BYTES_MAX for blob in blobs):
                return "a content of more than 8 MiB is not counted"
        return None

    def of_renames(self, changes):
        """Why other renames are found among these files."""
        blobs = {blob for change in changes for blob in (change.old_blob, change.new_blob) if set(blob) != {"0"}}
        files = [change for change in changes if change.old_mode not in LINKS and change.new_mode not in LINKS]
        if not files:
            return None
        if self.last_piece_ignored and any(self.content(blob)[-1:] not in (b"", b"\n") for blob in blobs):
            return "git before 2.44 ignores a last line without an end when it looks for renames"
        return None


def left_out(change, other, ours, theirs):
    """Whether these files are those that a large event leaves out, with their lines counted."""
    told = change.get("left_out") or {}
    if not told.get("files") or len(other) != told["files"] or any(path in ours for path in other):
        return None
    counts = [theirs[path].counts or (0, 0) for path in other]
    sums = [sum(count[side] for count in counts) for side in (0, 1)]
    same = sums == [told.get("lines_added"), told.get("lines_removed")]
    return "an event of too many files leaves some out and counts their lines" if same else None


def compare(repository, events):
    rules, explained, unexplained, files = Rules(repository), collections.Counter(), [], 0
    told = {}
    for line in open(events, encoding="utf-8"):
        change = json.loads(line).get("change")
        if change and len(change["parents"]) < 2:
            told[change["commit"]] = change
    for commit, change in told.items():
        lacking = any("missing" in (file.get("omitted"), file.get("old_omitted")) for file in change["files"])
        if lacking:
            # git ends at the first of them, so the whole commit cannot be compared.
            explained["the clone lacks contents of the commit, so git tells nothing of it"] += len(change["files"])
            files += len(change["files"])
            change["files"] = None
    expected = changes_of(repository, [commit for commit, change in told.items() if change["files"] is not None])
    commits = git(repository, "rev-list", "--no-merges", "HEAD").decode().split()
    for commit in sorted(set(commits) ^ set(told)):
        unexplained.append(f"{commit}: {'no event' if commit in commits else 'an event of no commit of HEAD'}")
    for commit, change in told.items():
        if change["files"] is None:
            continue
        ours = {file["path"]: file for file in change["files"]}
        theirs = {escaped(path): file for path, file in expected.get(commit, {}).items()}
        files += len(theirs)
        moves = lambda old, status: escaped(old) if old and status == "R" else None
        other = [path for path in sorted(set(ours) | set(theirs)) if path not in ours or path not in theirs
                 or ours[path].get("old_path") != moves(theirs[path].old_path, theirs[path].status)]
        if other:
            involved = [theirs[path] for path in other if path in theirs]
            renames = any(file.status in "RAD" for file in involved)
            renames |= any(ours[path].get("old_path") for path in other if path in ours)
            rule = left_out(change, other, ours, theirs) or (rules.of_renames(involved) if renames else None)
            if rule:
                explained[rule] += len(other)
            else:
                seen = {path: (file["kind"], file.get("old_path")) for path, file in ours.items() if path in other}
                right = {path: (file.status, file.old_path) for path, file in theirs.items() if path in other}
                unexplained.append(f"{commit}: other files or renames: events {seen}, git {right}")
        for path in sorted((set(ours) & set(theirs)) - set(other)):
            file, git_file = ours[path], theirs[path]
            kind = {"A": "added", "D": "deleted", "R": "renamed"}.get(git_file.status, "modified")
            if file["kind"] != kind:
                unexplained.append(f"{commit} {path}: events {file['kind']}, git {kind}")
            elif counts_of(file) != git_file.counts:
                rule = rules.of_counts(git_file, file)
                if rule:
                    explained[rule] += 1
                else:
                    unexplained.append(f"{commit} {path}: events {counts_of(file)}, git {git_file.counts}")
    return len(told), files, explained, unexplained


def main():
    import codecs
    codecs.register_error("percent", percent)
    repository, events = sys.argv[1:]
    commits, files, explained, unexplained = compare(repository, events)
    print(f"{repository}: {commits} commits, {files} file changes, "
          f"{files - sum(explained.values()) - len(unexplained)} equal, {sum(explained.values())} explained, {len(unexplained)} unexplained")
    for rule, count in sorted(explained.items()):
        print(f"    {count}: {rule}")
    for line in unexplained[:30]:
        print("    UNEXPLAINED", line)
    sys.exit(bool(unexplained))


main()
