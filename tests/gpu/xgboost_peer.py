"""XGBoost on the same device as peer: trains one table of the same shape, and prints the median of three runs in microseconds.

usage: xgboost_peer.py ROWS COLUMNS [DEVICE]

DEVICE is `cuda` by default. Binning is apart, as in the rows it stands beside: the matrix is on the device before the clock starts.
"""
import statistics
import sys
import time

import numpy as np
import xgboost as xgb

ROWS, COLUMNS = int(sys.argv[1]), int(sys.argv[2])
DEVICE = sys.argv[3] if len(sys.argv) > 3 else "cuda"
TREES, RUNS = 100, 3


def main():
    draw = np.random.default_rng(7)
    x = draw.random((ROWS, COLUMNS), dtype=np.float32)
    # A third of all values is zero, and two columns explain the label.
    x[draw.random((ROWS, COLUMNS), dtype=np.float32) < 1 / 3] = 0.0
    y = (draw.random(ROWS) * 10 < 1 + 3 * (x[:, 0] > 0.25) + 2 * (x[:, -1] > 0.5)).astype(np.float32)
    matrix = xgb.QuantileDMatrix(x, y, max_bin=256)
    params = dict(objective="binary:logistic", tree_method="hist", device=DEVICE, max_depth=6, max_bin=256, eta=0.1)
    times = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        xgb.train(params, matrix, TREES).num_boosted_rounds()
        times.append(time.perf_counter() - start)
    # The first run also builds what the device needs.
    print(f"{'XGBoost ' + xgb.__version__ + ', training on ' + DEVICE:<34} {statistics.median(times[1:]) * 1e6:>12.1f}")


main()
