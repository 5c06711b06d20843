#!/usr/bin/env python3
"""Copies C and C++ files with all but the first arm of each `#if` blanked, line for line: as pmccabe reads them.

Usage: first_arms.py FOLDER COPY. What driftline then counts can be compared with what pmccabe counts of the same files.
"""
import os
import re
import sys

import peers

DIRECTIVE = re.compile(r"\s*#\s*(if|ifdef|ifndef|elif|else|endif)\b")


def first_arms(lines):
    """The lines, those of later arms empty."""
    first = []
    for line in lines:
        word = (DIRECTIVE.match(line) or [None, None])[1]
        if word in ("if", "ifdef", "ifndef"):
            first.append(True)
        elif word in ("elif", "else") and first:
            first[-1] = False
        elif word == "endif" and first:
            first.pop()
        yield line if all(first) and word is None else re.sub(r"[^\n]", "", line)


def main():
    folder, copy = map(os.path.abspath, sys.argv[1:3])
    for path in peers.files(folder, ".c", ".h", ".cc", ".cpp"):
        target = os.path.join(copy, os.path.relpath(path, folder))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(path, errors="surrogateescape") as source, open(target, "w", errors="surrogateescape") as out:
            out.writelines(first_arms(source))


main()
