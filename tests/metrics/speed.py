#!/usr/bin/env python3
"""Megabytes per CPU second of driftline and of `bca metrics -O json -j 1` on the same files, in the same run.

Usage: speed.py DRIFTLINE TREES FOLDER [MEGABYTES]. DRIFTLINE is the program, measured as `metrics --json` on one thread:
duplicates, smells and patterns included. TREES is the bench of that name (`cargo bench -p driftline-syntax --bench trees
--no-run` says where it lies), measured as `functions`: the syntax pass alone, a row a function. FOLDER holds one folder a
language; of each an evenly spaced sample of so many megabytes (4) is copied and measured by all programs in turn. Of three
rounds the least is taken: CPU time of the process, system time included, and its largest resident set. Then all measure a
list of a million elements, which is made to be hard.
"""
import os
import shutil
import subprocess
import sys
import tempfile

import peers

ROUNDS = 3
ENDINGS = {"python": (".py",), "javascript": (".js",), "typescript": (".ts",), "java": (".java",), "c": (".c", ".h"),
           "cpp": (".cc", ".cpp"), "go": (".go",), "rust": (".rs",)}


def sample(folder, language, megabytes, target):
    """Copies an evenly spaced sample and returns its megabytes."""
    paths = peers.files(os.path.join(folder, language), *ENDINGS[language])
    step = max(1, round(sum(map(os.path.getsize, paths)) / 1e6 / megabytes))
    for path in paths[::step]:
        copy = os.path.join(target, os.path.relpath(path, folder))
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        shutil.copy(path, copy)
    return sum(map(os.path.getsize, paths[::step])) / 1e6


def run(command):
    """(CPU seconds, resident megabytes, exit status) of one process and its children."""
    environment = {**os.environ, "RAYON_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode


def least(commands):
    """Of each command the least CPU seconds and megabytes; one round runs all in turn."""
    rounds = [[run(command) for command in commands] for _ in range(ROUNDS)]
    return [(min(seconds for seconds, _, _ in runs), min(mb for _, mb, _ in runs), runs[0][2]) for runs in zip(*rounds)]


def commands(driftline, trees, path):
    """What is compared."""
    bca = ["bca", "metrics", "-O", "json", "--no-config", "--no-ignore", "--no-skip-generated", "-j", "1", "-p", path]
    return [[driftline, "metrics", "--json", path], [trees, path, "functions"], bca]


def main():
    driftline, trees, folder = map(os.path.abspath, sys.argv[1:4])
    megabytes = float(sys.argv[4]) if len(sys.argv) > 4 else 4.0
    print(f"bca {peers.version('bca')}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}\n")
    print("| language | MB | program MB/s | pass MB/s | bca MB/s | program / bca | pass / bca | resident MB |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as work:
        for language in ENDINGS:
            size = sample(folder, language, megabytes, work)
            results = least(commands(driftline, trees, os.path.join(work, language)))
            program, syntax, bca = (size / seconds for seconds, _, _ in results)
            resident = ", ".join(f"{mb:.0f}" for _, mb, _ in results)
            print(f"| {language} | {size:.2f} | {program:.2f} | {syntax:.2f} | {bca:.2f} | {program / bca:.2f} "
                  f"| {syntax / bca:.2f} | {resident} |", flush=True)
        print()
        for ending, text in (("js", "x=[" + "1," * 1_000_000 + "1];\n"), ("py", "x = [" + "1, " * 1_000_000 + "1]\n")):
            # In a folder of its own, as the bench takes no file.
            path = os.path.join(work, "list", f"list.{ending}")
            shutil.rmtree(os.path.dirname(path), ignore_errors=True)
            os.makedirs(os.path.dirname(path))
            with open(path, "w") as file:
                file.write(text)
            results = least(commands(driftline, trees, os.path.dirname(path)))
            for name, (seconds, mb, status) in zip(("program", "pass", "bca"), results):
                size = len(text) / 1e6
                print(f"list.{ending}, {size:.1f} MB: {name} {seconds:.2f} s, {mb:.0f} MB, exit status {status}")


main()
