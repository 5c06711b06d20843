#!/usr/bin/env bash
# Two files of `models/` were swapped: the other answers came without a word. A file says which model it holds.
set -euo pipefail
source "$ROOT/tests/cases/kit.sh"
source "$ROOT/tests/common.sh"
export DRIFTLINE_AUTHOR_KEY_FILE=$WORK/author.key
make_history repo 510
right=$(import repo data 2>err | tail -n 1 | field '["digest"]')
models=(data/models/*.model)
expect "models in the store" 2 "${#models[@]}"
mv "${models[0]}" aside && mv "${models[1]}" "${models[0]}" && mv aside "${models[1]}"
seen=$(import repo data 2>err | tail -n 1 | field '["digest"]')
expect "digest with swapped model files" "$right" "$seen"
expect_in "what is said" "is not what was written and is rebuilt" "$(cat err)"
# Cut short, garbage, gone, and one nobody may read: all are rebuilt from the log.
head -c 1000 "${models[0]}" >short && mv short "${models[0]}"
echo garbage >"${models[1]}"
seen=$(import repo data 2>err | tail -n 1 | field '["digest"]')
expect "digest with damaged model files" "$right" "$seen"
rm "${models[@]}"
summary=$(import repo data 2>err | tail -n 1)
expect "digest without model files" "$right" "$(field '["digest"]' <<<"$summary")"
expect "models that cannot be had" 0 "$(field '["models_unavailable"]' <<<"$summary")"
