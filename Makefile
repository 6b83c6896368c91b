# Everything a fresh machine needs. `make demo` and `make test` set up by themselves.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Waiting threads sleep: see docs/decisions/0003-waiting-threads-sleep.md
export OMP_WAIT_POLICY ?= passive

.PHONY: help setup demo test lint bench clean

help:  ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready  ## Make .venv with everything in it (about 3 minutes)

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet -e ".[dev]"
	touch $@

demo: setup  ## The whole journey on the built-in part (about 5 minutes, offline)
	$(BIN)/inspector demo --out demo

test: setup  ## All checks and tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vermin --eval-annotations -t=3.8- --no-tips --violations inspector edge_app
	$(BIN)/python -m pytest

lint: setup  ## Format and check the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup  ## Run every benchmark; each prints one JSON object as its last line
	$(BIN)/python -m benchmarks.generator
	$(BIN)/python -m benchmarks.one_shot_step
	$(BIN)/python -m benchmarks.precision

clean:  ## Remove what the targets above made
	rm -rf $(VENV) demo
