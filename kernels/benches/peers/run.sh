#!/bin/sh
# driftline beside its peers on the same data in the same run; prints a table of CPU seconds, ratios, AUC and log loss.
#
# usage: run.sh FOLDER [REPEATS] [JOBS]
#   FOLDER   keeps the data, the peers' environment and the lines of the run; about 3 GB
#   REPEATS  how often every job is run, one program after another; the best counts (default 2)
#   JOBS     default "train-100k train-1m train-batch score explain"
#   PYTHON   the interpreter for the peers (default python3; XGBoost 3.4 needs 3.12)
#   PEERS    an environment that already holds the peers
#
# A peer that cannot be installed, built or run is named in a line that begins with SKIPPED, and the run goes on.
set -u
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
repeats=${2:-2}
jobs=${3:-train-100k train-1m train-batch score explain}
export OMP_WAIT_POLICY=passive
mkdir -p "$folder/data"
peers=${PEERS:-$folder/peers}

install() {
    "$peers/bin/pip" install -q "$@" || echo "SKIPPED: pip cannot install $*"
}

if [ ! -x "$peers/bin/python" ]; then
    "${PYTHON:-python3}" -m venv "$peers" || exit 1
    install numpy scikit-learn "lightgbm==4.7.*"
    # Without its companion for several GPUs, which is larger than everything else together.
    install --no-deps "xgboost>=3.2"
    install catboost
    install lleaves "llvmlite<0.45"
    install tl2cgen treelite
fi
python=$peers/bin/python
[ -e "$folder/data/batch.test.labels.npy" ] || "$python" "$here/data.py" "$folder/data" || exit 1

cargo bench -p driftline-kernels --bench peers --no-run || exit 1
ours=$(cargo bench -p driftline-kernels --bench peers --no-run 2>&1 | sed -n 's/.*(\(.*peers-[0-9a-f]*\)).*/\1/p')
rust_peer=$folder/hessboost
CARGO_TARGET_DIR=$rust_peer cargo build -q --release --manifest-path "$here/hessboost/Cargo.toml" ||
    echo "SKIPPED: hessboost does not build"

lines=$folder/lines.tsv
: > "$lines"
# run PEER JOB THREADS COMMAND...
run() {
    peer=$1 job=$2 threads=$3
    shift 3
    "$@" "$folder/data" "$peer" "$job" "$threads" >> "$lines" 2> "$folder/errors.txt" ||
        echo "SKIPPED: $peer $job: $(tail -n 1 "$folder/errors.txt")"
}

peers_of() {
    case $1 in
        score) echo "LightGBM XGBoost CatBoost lleaves tl2cgen" ;;
        explain) echo "LightGBM XGBoost CatBoost" ;;
        *) echo "LightGBM XGBoost" ;;
    esac
}

repeat=0
while [ "$repeat" -lt "$repeats" ]; do
    for job in $jobs; do
        run driftline "$job" 1 "$ours"
        for peer in $(peers_of "$job"); do run "$peer" "$job" 1 "$python" "$here/peer.py"; done
        [ "$job" = explain ] || run hessboost "$job" 1 "$rust_peer/release/peer-hessboost"
        [ "$job" != train-1m ] || run driftline "$job" 2 "$ours"
    done
    repeat=$((repeat + 1))
done
"$python" "$here/table.py" "$lines"
