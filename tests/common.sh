# Shared by the shell suites: counting checks, a small made-up git history, waiting for a server.
passed=0 failed=0 skipped=0
ok() { passed=$((passed + 1)); echo "ok: $1"; }
bad() { failed=$((failed + 1)); echo "FAILED: $1"; }
check() { local what=$1; shift; if "$@"; then ok "$what"; else bad "$what"; fi; }
finish() { echo "$passed passed, $failed failed, $skipped skipped"; [ "$failed" -eq 0 ]; exit; }

# The first of ten loopback ports that are free, with those a hundred above them.
free_ports() {
  python3 - <<'PY'
import random, socket
def free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
while True:
    first = random.randrange(12000, 30000, 10)
    if all(free(port) for port in (*range(first, first + 10), *range(first + 100, first + 110))):
        break
print(first)
PY
}

# A field of the JSON object on standard input: field '["digest"]'.
field() { python3 -c 'import json,sys; print(eval("json.load(sys.stdin)" + sys.argv[1]))' "$1"; }

# make_history FOLDER COMMITS: a git repository with a seeded history of Python and Go files over two years.
make_history() {
  python3 - "$1" "$2" <<'PY'
import os, random, subprocess, sys
folder, commits = sys.argv[1], int(sys.argv[2])
os.makedirs(folder)
random.seed(7)
subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
stream = subprocess.Popen(["git", "-C", folder, "fast-import", "--quiet", "--force"], stdin=subprocess.PIPE)
def put(text): stream.stdin.write(text.encode())
files, when = {}, 1500000000
def function(kind, n):
    if kind == "py":
        return ["def f%d(a, b):\n" % n, "    if a > %d and b:\n" % (n % 7), "        return a\n", "    return b\n", "\n"]
    return ["func F%d(a int) int {\n" % n, "\tfor a > %d {\n" % (n % 9), "\t\ta--\n", "\t}\n", "\treturn a\n", "}\n", "\n"]
for number in range(1, commits + 1):
    when += random.randint(3600, 150000)
    author = random.choice(["Ada", "Ben", "Cyd", "Dan"])
    message = random.choice(["Fix a wrong bound\n", "Add a case\n", "Add a case\n", "Speed up the loop\n"])
    put("commit refs/heads/main\nmark :%d\nauthor %s <%s@example.org> %d +0100\ncommitter %s <%s@example.org> %d +0100\ndata %d\n%s\n"
        % (number, author, author.lower(), when, author, author.lower(), when, len(message), message))
    for _ in range(random.randint(1, 3)):
        if not files or random.random() < 0.06:
            kind = random.choice(["py", "go"])
            path = "%s/part%d.%s" % (random.choice(["core", "net", "tests"]), len(files), kind)
            files[path] = ["package part\n", "\n"] if kind == "go" else []
        path = random.choice(sorted(files))
        lines = files[path]
        at = random.randint(0, len(lines))
        del lines[at:at + random.randint(0, 4)]
        lines[at:at] = function(path.rsplit(".", 1)[1], random.randint(0, 999))
        data = "".join(lines)
        put("M 100644 inline %s\ndata %d\n%s\n" % (path, len(data.encode()), data))
stream.stdin.close()
if stream.wait() == 0:
    sys.exit(subprocess.run(["git", "-C", folder, "reset", "-q", "--hard"]).returncode)
sys.exit(1)
PY
}

# A repository at $1 of commits that trouble tools: clocks in 1970 and 2100, a 50 MB file, a million brackets, renames in a
# circle, a submodule, a binary file, names and contents that are not UTF-8, an empty commit, a merge of unrelated histories.
make_odd_history() {
  local repo=$1
  odd_commit() { git -C "$repo" add -A && GIT_AUTHOR_DATE="@$1 +0000" GIT_COMMITTER_DATE="@$1 +0000" git -C "$repo" \
    -c user.name=odd -c user.email=odd@example.invalid commit -q --allow-empty -m "$2"; }
  git init -q -b main "$repo"
  printf 'def f(a):\n    return a\n' >"$repo/a.py"; printf 'def g(b):\n    return b or 1\n' >"$repo/b.py"
  odd_commit 0 "The first second of 1970"
  head -c 50000000 /dev/zero | tr '\0' 'x' >"$repo/large.py"; odd_commit 1600000000 "A file of 50 MB"
  python3 -c "print('(' * 1000000)" >"$repo/deep.py"; odd_commit 1600000100 "A million brackets"
  mv "$repo/a.py" "$repo/c.py"; mv "$repo/b.py" "$repo/a.py"; mv "$repo/c.py" "$repo/b.py"; odd_commit 1600000200 "Two files change places"
  mv "$repo/a.py" "$repo/c.py"; mv "$repo/b.py" "$repo/a.py"; mv "$repo/c.py" "$repo/b.py"; odd_commit 1600000300 "And back"
  head -c 4096 /dev/urandom >"$repo/image.png"; printf 'x = "\377\376"\n' >"$repo/latin.py"; : >"$repo/$(printf 'na\377me.py')"
  odd_commit 4102444800 "Not text, in the year 2100"
  mkdir "$repo/module"; git -C "$repo" update-index --add --cacheinfo "160000,$(git -C "$repo" rev-parse HEAD),module"; odd_commit 1600000400 "A submodule"
  git -C "$repo" rm -q --cached module; rmdir "$repo/module"; odd_commit 1600000450 ""$'\n'"No subject"
  git -C "$repo" checkout -q --orphan other && git -C "$repo" rm -rqf . && printf 'int main(void) { return 0; }\n' >"$repo/m.c" && odd_commit 1600000500 "Another root"
  git -C "$repo" checkout -q main && git -C "$repo" -c user.name=odd -c user.email=odd@example.invalid merge -q --allow-unrelated-histories -m "Merge the unrelated" other
}
