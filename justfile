# Short names for what is done often; `just` lists them.

default:
    @just --list

# What README asks for.
test:
    cargo test --workspace

# Format and lints, as the gate checks them.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# The whole gate.
gate:
    bash .ci/run

# The engine on this repository.
up:
    cargo run --release -- up --repo .

# Benchmarks that print ratios against a limit measured in the same run.
bench:
    cargo bench --workspace
