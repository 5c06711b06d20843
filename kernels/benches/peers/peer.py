"""One peer, one job, one process: trains, scores or explains, and prints `who<TAB>job<TAB>measure<TAB>value` lines.

usage: peer.py FOLDER PEER JOB THREADS
jobs:  train-100k train-1m train-batch score explain

Seconds are CPU seconds of the process, binning included. Scoring takes raw float32 rows and includes the call from Python.
"""
import os
import sys
import tempfile
import time

FOLDER, PEER, JOB, THREADS = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
os.environ["OMP_NUM_THREADS"] = str(THREADS)
# A waiting thread that spins burns CPU time on a shared machine: ten times the work itself was seen.
os.environ["OMP_WAIT_POLICY"] = "passive"

import numpy as np  # noqa: E402  (after the environment is set)

TREES, RATE, BATCH_MODELS, BATCH_ROWS = 100, 0.1, 200, 11_000
#: How many models of the batch a peer trains; the time is scaled to all of them.
BATCH_SAMPLE = 20
EXPLAINED_ROWS = 1_000
SCORED = ((1, 2_000), (64, 1_000), (1_000_000, 2))


def say(measure, value, job=JOB):
    print(f"{PEER}\t{job}\t{measure}\t{value:.9g}", flush=True)


def load(name, part):
    return np.load(f"{FOLDER}/{name}.{part}.rows.npy"), np.load(f"{FOLDER}/{name}.{part}.labels.npy")


def lightgbm(x, y, leaves, depth):
    import lightgbm as lgb

    params = dict(objective="binary", num_leaves=leaves, max_depth=depth, learning_rate=RATE, max_bin=255, verbose=-1,
                  num_threads=THREADS, min_data_in_leaf=20, seed=1)
    return lgb.train(params, lgb.Dataset(x, y, params=params), TREES)


def quantized(x, y, leaves, depth):
    import lightgbm as lgb

    params = dict(objective="binary", num_leaves=leaves, max_depth=depth, learning_rate=RATE, max_bin=255, verbose=-1,
                  num_threads=THREADS, min_data_in_leaf=20, seed=1, use_quantized_grad=True, num_grad_quant_bins=16,
                  quant_train_renew_leaf=True)
    return lgb.train(params, lgb.Dataset(x, y, params=params), TREES)


def xgboost(x, y, leaves, depth):
    import xgboost as xgb

    params = dict(objective="binary:logistic", tree_method="hist", max_depth=6, max_bin=256, eta=RATE, nthread=THREADS)
    return xgb.train(params, xgb.QuantileDMatrix(x, y, max_bin=256, nthread=THREADS), TREES)


def catboost(x, y, leaves, depth):
    import catboost as cb

    model = cb.CatBoostClassifier(iterations=TREES, learning_rate=RATE, depth=6, border_count=254, thread_count=THREADS,
                                  verbose=False, random_seed=1, allow_writing_files=False, boosting_type="Plain")
    return model.fit(x, y.astype(int))


TRAINERS = {"LightGBM": lightgbm, "LightGBM-quantized": quantized, "XGBoost": xgboost, "CatBoost": catboost,
            "lleaves": lightgbm, "tl2cgen": lightgbm}


def probabilities(model, x):
    if PEER.startswith("LightGBM"):
        return model.predict(x, num_threads=THREADS)
    return model.inplace_predict(x) if PEER == "XGBoost" else model.predict_proba(x, thread_count=THREADS)[:, 1]


def clocked(run):
    wall, cpu = time.perf_counter(), time.process_time()
    result = run()
    return result, time.process_time() - cpu, time.perf_counter() - wall


def train(name):
    from sklearn.metrics import log_loss, roc_auc_score

    x, y = load(name, "train")
    model, cpu_s, wall_s = clocked(lambda: TRAINERS[PEER](x, y, 63, -1))
    test, truth = load(name, "test")
    guess = probabilities(model, test).astype(np.float64)
    job = JOB if THREADS == 1 else f"{JOB}-{THREADS}"
    for measure, value in (("cpu_s", cpu_s), ("wall_s", wall_s), ("auc", roc_auc_score(truth, guess)),
                           ("log_loss", log_loss(truth, guess))):
        say(measure, value, job)


def train_batch():
    x, y = load("batch", "train")
    parts = [slice(at * BATCH_ROWS, (at + 1) * BATCH_ROWS) for at in range(BATCH_SAMPLE)]
    _, cpu_s, _ = clocked(lambda: [TRAINERS[PEER](x[part], y[part], 31, -1) for part in parts])
    say("cpu_s", cpu_s * BATCH_MODELS / BATCH_SAMPLE)


def scorer():
    """A function from raw rows to probabilities, compiled where the peer compiles."""
    x, y = load("100k", "train")
    model = TRAINERS[PEER](x, y, 64, 6)
    if PEER not in ("lleaves", "tl2cgen"):
        return lambda rows: probabilities(model, rows)
    folder = tempfile.mkdtemp()
    model.save_model(f"{folder}/model.txt")
    if PEER == "lleaves":
        import lleaves

        compiled = lleaves.Model(model_file=f"{folder}/model.txt")
        compiled.compile()
        return lambda rows: compiled.predict(rows, n_jobs=THREADS)
    import tl2cgen
    import treelite

    parsed = treelite.frontend.load_lightgbm_model(f"{folder}/model.txt")
    tl2cgen.export_lib(parsed, toolchain="gcc", libpath=f"{folder}/m.so", params={"parallel_comp": 4}, verbose=False)
    compiled = tl2cgen.Predictor(f"{folder}/m.so", nthread=THREADS)
    return lambda rows: compiled.predict(tl2cgen.DMatrix(rows))


def score():
    score_rows, test = scorer(), load("100k", "test")[0]
    rows = np.tile(test, (5, 1))
    for batch, times in SCORED:
        part = np.ascontiguousarray(rows[:batch])
        score_rows(part[:64])
        say(f"batch_{batch}_us", 1e6 * min(clocked(lambda: score_rows(part))[1] for _ in range(times)))


def explain():
    x, y = load("100k", "train")
    model, rows = TRAINERS[PEER](x, y, 64, 6), load("100k", "test")[0][:EXPLAINED_ROWS]
    if PEER == "LightGBM":
        run = lambda: model.predict(rows, pred_contrib=True, num_threads=THREADS)  # noqa: E731
    elif PEER == "XGBoost":
        import xgboost as xgb

        run = lambda: model.predict(xgb.DMatrix(rows, nthread=THREADS), pred_contribs=True)  # noqa: E731
    else:
        import catboost as cb

        pool = cb.Pool(rows)
        run = lambda: model.get_feature_importance(pool, "ShapValues", thread_count=THREADS)  # noqa: E731
    say("rows_per_s", EXPLAINED_ROWS / min(clocked(run)[1] for _ in range(3)))


if __name__ == "__main__":
    {"train-100k": lambda: train("100k"), "train-1m": lambda: train("1m"), "train-batch": train_batch, "score": score,
     "explain": explain}[JOB]()
