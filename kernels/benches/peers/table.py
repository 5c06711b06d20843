"""Turns `who<TAB>job<TAB>measure<TAB>value` lines into a table: the best of all runs of each, and our share of the best peer.

usage: table.py LINES
"""
import sys
from collections import defaultdict

OURS = "driftline"
#: Larger is better in these; in all others smaller is.
LARGER = ("auc", "rows_per_s")


def read(path):
    """(job, measure) -> who -> the best value of all runs."""
    table = defaultdict(dict)
    for line in open(path, encoding="utf-8"):
        words = line.rstrip("\n").split("\t")
        if len(words) != 4:
            continue
        who, job, measure, value = words
        pick = max if measure in LARGER else min
        known = table[job, measure]
        known[who] = pick(float(value), known.get(who, float(value)))
    return table


def main(path):
    table = read(path)
    print("| job | measure | driftline | peers | driftline / best peer |\n| --- | --- | --- | --- | --- |")
    for (job, measure), values in sorted(table.items()):
        peers = {who: value for who, value in values.items() if who != OURS}
        own = values.get(OURS)
        listed = ", ".join(f"{who} {value:.5g}" for who, value in sorted(peers.items()))
        best = (max if measure in LARGER else min)(peers.values()) if peers else None
        ratio = "" if own is None or best is None else f"{own / best:.2f}"
        if measure in ("auc", "log_loss") and own is not None and "LightGBM" in peers:
            ratio = f"{own - peers['LightGBM']:+.5f} to LightGBM"
        print(f"| {job} | {measure} | {'' if own is None else f'{own:.5g}'} | {listed} | {ratio} |")
    one, two = (table.get((job, "wall_s"), {}).get(OURS) for job in ("train-1m", "train-1m-2"))
    if one and two:
        print(f"\nTwo threads against one, 1m: {one / two:.2f} times the speed")


if __name__ == "__main__":
    main(sys.argv[1])
