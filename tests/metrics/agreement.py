#!/usr/bin/env python3
"""How far driftline and other tools agree on whole trees: functions matched by place, and the largest differences.

Usage: agreement.py FOLDER ROWS [--worst N] [TOOL ...], where FOLDER holds one folder a language (python, javascript,
typescript, java, c, cpp, go, rust) and ROWS is what `cargo bench -p driftline-syntax --bench trees -- FOLDER functions`
printed for it. Prints a table in Markdown. Tools that are not there are named and left out. This is no test: trees are
large and tools differ on purpose; operators/syntax/docs/agreement.md says why.
"""
import bisect
import collections
import csv
import os
import sys

import peers

# (tool, adapter, languages, our columns by the tool's metric)
PLAIN = {"cyclomatic": "cc", "cyclomatic_modified": "modified", "cognitive": "cog"}
TOOLS = [
    ("radon", peers.radon, ["python"], PLAIN),
    ("eslint", peers.eslint, ["javascript", "typescript"], {"cyclomatic": "cc", "cognitive": "sonar"}),
    ("checkstyle", peers.checkstyle, ["java"], PLAIN),
    ("pmccabe", peers.pmccabe, ["c", "cpp"], PLAIN),
    ("bonsai-lint", peers.bonsai, ["python", "typescript", "java", "go"], PLAIN),
    ("complexipy", peers.complexipy, ["python"], PLAIN),
    ("clang-tidy", peers.clang_tidy, ["c", "cpp"], PLAIN),
    ("bca", peers.bca, ["python", "javascript", "typescript", "java", "c", "cpp", "go", "rust"], PLAIN),
]
# What these tools count for the function around, driftline counts for the closure itself.
FOLDING = {"radon", "checkstyle", "pmccabe", "bca"}


class Own:
    """Our functions of all files, found by place."""

    def __init__(self, rows):
        self.places = collections.defaultdict(list)
        self.files = collections.defaultdict(list)
        with open(rows, newline="") as table:
            for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE):
                row["line"], row["end"] = int(row["line"]), int(row["end"])
                path = os.path.realpath(row["path"])
                for place in (("start", row["line"]), ("end", row["end"]), ("name", row["name"])):
                    self.places[(path, *place)].append(row)
                self.files[path].append(row)

    def at(self, path, kind, place):
        """The functions at a place."""
        return self.places.get((os.path.realpath(path), kind, place), [])

    def folded(self, path, row, column):
        """A function's value with those of the closures it holds, each without its own one."""
        rows = self.files[os.path.realpath(path)]
        first = bisect.bisect_left(rows, row["line"], key=lambda other: other["line"])
        value, apart = int(row[column]), 0
        for other in rows[first:]:
            if other["line"] > row["end"]:
                break
            if other is row or other["end"] > row["end"] or other["line"] <= apart:
                continue
            if other["kind"] == "Closure":
                value += int(other[column]) - 1
            else:
                # A function of a class within is a function of its own, and so is what it holds.
                apart = other["end"]
        return value


def compare(own, rows, column, folding):
    """(matched, equal, equal with closures folded in, not found, several on a line, differences)."""
    places = collections.defaultdict(list)
    for row in rows:
        places[(row.path, row.kind, row.place)].append(row.value)
    counts = collections.Counter()
    differences = []
    for (path, kind, place), values in places.items():
        functions = own.at(path, kind, place)
        if not functions:
            counts["not found"] += len(values)
        elif len(functions) != 1 or len(values) != 1:
            counts["several"] += len(values)
        else:
            function, value = functions[0], values[0]
            ours = int(function[column])
            counts["matched"] += 1
            counts["equal"] += ours == value
            is_folded = ours != value and folding and own.folded(path, function, column) == value
            counts["folded"] += ours == value or is_folded
            if ours != value:
                differences.append((abs(ours - value), path, function, value, is_folded))
    return counts, sorted(differences, key=lambda difference: (-difference[0], difference[1]))


def share(part, whole):
    """A percentage that is 100 only if nothing is missing."""
    return "100 %" if part == whole else f"{min(100 * part / whole, 99.99):.2f} %"


def report(own, folder, tool, rows, columns, worst):
    """Prints a line a metric, and the differences that folding does not explain."""
    name = {"eslint": {"cognitive": "eslint-plugin-sonarjs"}}.get(tool, {})
    for metric in dict.fromkeys(row.metric for row in rows):
        of_metric = [row for row in rows if row.metric == metric]
        counts, differences = compare(own, of_metric, columns[metric], tool in FOLDING)
        program = name.get(metric, tool)
        folded = share(counts["folded"], counts["matched"]) if tool in FOLDING else ""
        print(f"| {os.path.basename(folder)} | {metric.replace('_', ' ')} | {program} {peers.version(program)} "
              f"| {counts['matched']} | {counts['equal']} | {share(counts['equal'], counts['matched'])} | {folded} "
              f"| {counts['not found']} | {counts['several']} |", flush=True)
        for size, path, function, value, is_folded in [d for d in differences if not d[4]][:worst]:
            print(f"    {size} {os.path.relpath(path, folder)}:{function['line']} {function['name']}: "
                  f"{function[columns[metric]]}, not {value}; error bytes {function['errors']}", file=sys.stderr)


def main():
    folder, rows = os.path.abspath(sys.argv[1]), sys.argv[2]
    words = sys.argv[3:]
    worst = int(words[1]) if words[:1] == ["--worst"] else 0
    chosen = words[2:] if worst else words
    own = Own(rows)
    print("| language | metric | tool | matched | equal | share | closures folded in | not found | several on a line |")
    print("|---|---|---|---|---|---|---|---|---|")
    for tool, adapter, languages, columns in TOOLS:
        if chosen and tool not in chosen:
            continue
        if not peers.available(tool):
            print(f"SKIPPED: {tool} is not there", file=sys.stderr)
            continue
        for language in filter(lambda language: os.path.isdir(os.path.join(folder, language)), languages):
            tree = os.path.join(folder, language)
            report(own, tree, tool, list(adapter(tree)), columns, worst)


main()
