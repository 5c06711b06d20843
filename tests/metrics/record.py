#!/usr/bin/env python3
"""Records anew what other tools say of the files in operators/syntax/tests/oracle/files.csv, into values.csv beside it.

Usage: record.py FOLDER, where FOLDER is what fetch.sh filled. Needs radon, checkstyle and pmccabe on PATH, and ESLint
with @typescript-eslint/parser and typescript in NODE_PATH. Prints how the values differ from those that were recorded.
"""
import collections
import csv
import os
import sys

import peers

ORACLE = os.path.join(peers.HERE, "../../operators/syntax/tests/oracle")
TOOLS = {"python": "radon", "javascript": "eslint", "typescript": "eslint", "java": "checkstyle", "c": "pmccabe",
         "cpp": "pmccabe"}


def read(name):
    """The rows of a table beside the test."""
    with open(os.path.join(ORACLE, name), newline="") as table:
        return list(csv.reader(table))[1:]


def record(folder):
    """(file, tool, line, metric, value) of all files whose tool is there."""
    names = {os.path.realpath(os.path.join(folder, f"{package}-{version}", path)): name
             for name, package, version, _source, path, _digest in read("files.csv")}
    for tool in sorted(set(TOOLS.values())):
        if not peers.available(tool):
            sys.exit(f"{tool} is not there: nothing was recorded")
        print(f"{tool} {peers.version(tool)}")
        for row in getattr(peers, tool)(folder):
            name = names.get(os.path.realpath(row.path))
            if name and TOOLS[name.split("/")[0]] == tool and row.metric.startswith("cyclomatic"):
                yield [name, tool, str(row.place), row.metric, str(row.value)]


def main():
    before = read("values.csv")
    rows = list(record(os.path.abspath(sys.argv[1])))
    # Tools give a line and no name: of several functions that start on one line none can be told.
    times = collections.Counter(tuple(row[:4]) for row in rows)
    after = sorted((row for row in rows if times[tuple(row[:4])] == 1), key=lambda row: (row[0], int(row[2]), row[3]))
    lost = [row for row in before if row not in after]
    new = [row for row in after if row not in before]
    print(f"{len(after)} values, {len(before)} before: {len(lost)} are gone, {len(new)} are new")
    for sign, rows in (("-", lost), ("+", new)):
        for row in rows[:20]:
            print(sign, *row)
    with open(os.path.join(ORACLE, "values.csv"), "w", newline="") as table:
        writer = csv.writer(table, lineterminator="\n")
        writer.writerows([["file", "tool", "line", "metric", "value"], *after])


main()
