"""Made-up change tables for the comparison with peers: columns spread like code metrics, a label that a few of them explain.

usage: data.py FOLDER      writes NAME.rows.npy (float32, row-major) and NAME.labels.npy for train and test
"""
import sys
from pathlib import Path

import numpy as np

#: name: training rows, test rows, columns
TABLES = {"1m": (1_000_000, 200_000, 64), "100k": (100_000, 200_000, 32), "batch": (2_200_000, 11_000, 14)}


def columns(rng, rows, width):
    """Normal, log-normal, small counts and mostly zero, in turn."""
    kinds = (
        lambda: rng.standard_normal(rows),
        lambda: rng.lognormal(0.0, 1.0, rows),
        lambda: rng.poisson(6.0, rows),
        lambda: rng.gamma(2.0, 2.0, rows) * (rng.random(rows) > 0.7),
    )
    table = np.empty((rows, width), np.float32)
    for column in range(width):
        table[:, column] = kinds[column % 4]()
    return table


def labels(rng, x):
    """About a quarter positive; steps, products and curves, and noise that no model can explain."""
    odds = 1.8 * np.sin(2 * x[:, 0]) * (x[:, 1] < 1.3) + 0.4 * np.log1p(x[:, 5]) * np.tanh(x[:, 8])
    odds += 1.2 * np.where(x[:, 2] > 7, x[:, 4] < 0.2, x[:, 4] > 0.2) + 0.3 * (x[:, 3] > 0) * (x[:, 6] - 6)
    odds += 0.6 * np.abs(x[:, 12]) - 0.4 * np.minimum(x[:, 9], 4)
    for column in range(13, x.shape[1]):
        odds += 0.1 * np.cos(7 * column) * np.clip(x[:, column], -3, 3)
    odds -= np.median(odds) + 1.5
    return (rng.random(len(x)) < 1 / (1 + np.exp(-odds))).astype(np.float32)


def main(folder):
    for seed, (name, (train, test, width)) in enumerate(TABLES.items()):
        for part, rows in (("train", train), ("test", test)):
            rng = np.random.default_rng([seed, rows])
            x = columns(rng, rows, width)
            np.save(folder / f"{name}.{part}.rows.npy", x)
            np.save(folder / f"{name}.{part}.labels.npy", labels(rng, x))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
