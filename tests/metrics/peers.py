"""What other tools say of functions, as (path, kind of place, place, metric, value): one adapter a tool.

A place is the line where a function starts, the line where it ends, or its qualified name, as the tool gives it.

Only numbers and places are taken over, never a tool's or a file's text. A tool is looked up on PATH; ESLint and its
plugins in NODE_PATH, a `node_modules` folder. `available` says which are there, so that a caller can say what it skips.
"""
import collections
import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
NODE_PATH = os.environ.get("NODE_PATH", "")
Row = collections.namedtuple("Row", "path kind place metric value")

COGNITIVE = "readability-function-cognitive-complexity"
CLANG_OPTIONS = "{CheckOptions: [%s]}" % ", ".join(
    "{key: %s.%s, value: '%s'}" % (COGNITIVE, key, value)
    for key, value in (("Threshold", "0"), ("DescribeBasicIncrements", "false"), ("IgnoreMacros", "true")))


def output(command, **how):
    """What a tool prints; its exit status says how much it found, not whether it worked."""
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace",
                          **how).stdout


def files(folder, *extensions):
    """The files under `folder` with one of the extensions, in order."""
    found = [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names if name.endswith(extensions)]
    return sorted(found)


def radon(folder):
    """Python: cyclomatic."""
    def rows(path, item):
        if item["type"] != "class":
            yield Row(path, "start", item["lineno"], "cyclomatic", item["complexity"])
        for closure in item.get("closures", []):
            yield from rows(path, closure)
    for path, items in json.loads(output(["radon", "cc", "-j", folder])).items():
        if isinstance(items, dict):
            print(f"radon cannot read {path}: {items['error']}", file=sys.stderr)
            continue
        for item in items:
            yield from rows(path, item)


def eslint(folder):
    """JavaScript and TypeScript: cyclomatic (ESLint's rule) and cognitive (the plugin's)."""
    program = [shutil.which("node"), "--max-old-space-size=6000", f"{NODE_PATH}/eslint/bin/eslint.js", "--no-ignore"]
    config = os.path.join(HERE, "eslint.config.cjs")
    report = output(program + ["-c", config, "-f", "json", "."], cwd=folder)
    for file in json.loads(report):
        for message in file["messages"]:
            rule, text = message["ruleId"], message["message"]
            if message.get("fatal"):
                print(f"ESLint cannot read {file['filePath']}: {text}", file=sys.stderr)
            elif rule == "complexity":
                value = re.search(r"complexity of (\d+)", text)[1]
                yield Row(file["filePath"], "start", message["line"], "cyclomatic", int(value))
            elif rule == "sonarjs/cognitive-complexity":
                value = re.search(r"from (\d+) to", text)[1]
                yield Row(file["filePath"], "start", message["line"], "cognitive", int(value))


def checkstyle(folder):
    """Java: cyclomatic. Lambdas count for the method they stand in."""
    found = re.compile(r"\[\w+\] (.*?):(\d+):(?:\d+:)? Cyclomatic Complexity is ([\d,.]+) ")
    for line in output(["checkstyle", "-c", os.path.join(HERE, "checkstyle.xml"), folder]).splitlines():
        if match := found.match(line):
            yield Row(match[1], "start", int(match[2]), "cyclomatic", int(re.sub(r"\D", "", match[3])))


def pmccabe(folder):
    """C and C++: cyclomatic, plain and modified. Of the arms of an `#if` the first is read."""
    paths = files(folder, ".c", ".h", ".cc", ".cpp")
    for start in range(0, len(paths), 500):
        for line in output(["pmccabe", *paths[start:start + 500]]).splitlines():
            if match := re.match(r"(\d+)\t(\d+)\t\d+\t(\d+)\t\d+\t(.*)\(\d+\): ", line):
                yield Row(match[4], "start", int(match[3]), "cyclomatic", int(match[2]))
                yield Row(match[4], "start", int(match[3]), "cyclomatic_modified", int(match[1]))


def bonsai(folder):
    """Python, TypeScript, Java and Go: cognitive, closures rolled up. It starts a function after its annotations."""
    report = json.loads(output(["bonsai-lint", "--all", "--no-toplevel", "--format", "json", "-j", "1", folder]))
    for found in report["findings"]:
        yield Row(found["path"], "end", found["end_line"], "cognitive", found["score"])


def complexipy(folder):
    """Python: cognitive. Gives qualified names and no lines."""
    at = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"complexipy-{os.getpid()}.json")
    output(["complexipy", folder, "-q", "-i", "--isolated", "--output-format", "json", "--output", at])
    with open(at) as report:
        found = json.load(report)
    os.unlink(at)
    for function in found:
        yield Row(function["path"], "name", function["function_name"], "cognitive", function["complexity"])


def clang_tidy(folder):
    """C and C++: cognitive, of files whose headers are found."""
    includes = [f"-I{folder}/{package}/{part}" for package in sorted(os.listdir(folder))
                for part in ("", "src", "include", "compat", "compat/regex")]
    for path in files(folder, ".c", ".cc", ".cpp"):
        language = ["-x", "c", "-std=gnu11"] if path.endswith(".c") else ["-x", "c++", "-std=gnu++17"]
        command = ["clang-tidy", "--quiet", f"-checks=-*,{COGNITIVE}", f"-config={CLANG_OPTIONS}", path, "--"]
        report = output(command + language + ["-w", "-ferror-limit=0", f"-I{os.path.dirname(path)}"] + includes)
        if re.search(r": error:", report):
            continue
        for match in re.finditer(r"^(.*?):(\d+):\d+: warning: function '.*' has cognitive complexity of (\d+)", report,
                                 re.MULTILINE):
            if os.path.realpath(match[1]) == os.path.realpath(path):
                yield Row(path, "start", int(match[2]), "cognitive", int(match[3]))


def bca(folder):
    """All languages: cyclomatic and cognitive."""
    def rows(path, space):
        if space["kind"] in ("function", "closure"):
            for metric in ("cyclomatic", "cognitive"):
                yield Row(path, "start", space["start_line"], metric, space["metrics"][metric]["value"])
            modified = space["metrics"]["cyclomatic"]["modified"]["value"]
            yield Row(path, "start", space["start_line"], "cyclomatic_modified", modified)
        for inner in space["spaces"]:
            yield from rows(path, inner)
    options = ["--no-config", "--no-ignore", "--no-skip-generated", "-j", "1"]
    for line in output(["bca", "metrics", "-O", "json", *options, "-p", folder]).splitlines():
        if line.strip():
            file = json.loads(line)
            yield from rows(file["name"], file)


def node_version(package):
    """The version of a package under NODE_PATH."""
    with open(os.path.join(NODE_PATH, package, "package.json")) as manifest:
        return json.load(manifest)["version"]


def version(tool):
    """The version of a tool, as it says itself."""
    if tool in ("eslint", "eslint-plugin-sonarjs"):
        return node_version(tool)
    if tool == "pmccabe":
        return (re.search(r"[\d.]+", output([tool, "-V"])) or [""])[0]
    return (re.search(r"\d+\.[\d.]*\d", output([tool, "--version"])) or [""])[0]


def available(tool):
    """Whether a tool can be run."""
    if tool in ("eslint", "eslint-plugin-sonarjs"):
        return shutil.which("node") is not None and os.path.isdir(os.path.join(NODE_PATH, tool))
    return shutil.which(tool) is not None
