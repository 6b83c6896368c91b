# Everything a fresh machine needs. `make demo` and `make test` set up by themselves.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Waiting threads sleep: see docs/decisions/0003-waiting-threads-sleep.md
export OMP_WAIT_POLICY ?= passive

.PHONY: help setup demo test lint bench model probes sbom requirements-jetson test-arm64 test-image venv38 clean

help:  ## Say what there is
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {sub(/:.*/, "", $$1); printf "make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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

bench: setup  ## Run every benchmark (about two hours); each prints one JSON object as its last line
	$(BIN)/python -m benchmarks.generator
	$(BIN)/python -m benchmarks.one_shot_step
	$(BIN)/python -m benchmarks.precision
	$(BIN)/python -m benchmarks.runtime
	$(BIN)/python -m benchmarks.latency_model
	$(BIN)/python -m benchmarks.edge_latency
	$(BIN)/python -m benchmarks.history
	$(BIN)/python -m benchmarks.freshness
	$(BIN)/python -m benchmarks.drift
	$(BIN)/python -m benchmarks.faults --kills 100
	$(BIN)/python -m benchmarks.soak
	$(BIN)/python -m benchmarks.nasb_memory
	$(BIN)/python -m benchmarks.nasb_step
	$(BIN)/python -m benchmarks.cmp

# One thread and a fixed time: on the same processor the same bytes.
model: setup  ## Train the shipped model of the built-in part again (about 40 minutes)
	mkdir -p build/model
	cp models/demo_part.yaml build/model/recipe.yaml
	cd build/model && export OMP_NUM_THREADS=1 SOURCE_DATE_EPOCH=1795521600; \
	  test -d part || $(CURDIR)/$(BIN)/python -m inspector.demo_part part; \
	  $(CURDIR)/$(BIN)/inspector search recipe.yaml --run run && \
	  $(CURDIR)/$(BIN)/inspector export run --out $(CURDIR)/models/demo_part --name demo-part --threads 1

probes: setup  ## Write the probe models of `inspector profile` again
	$(BIN)/python -m export.probes

requirements-jetson: setup  ## Pin the packages of the Jetson images again
	deploy/pin_requirements.sh

test-arm64: setup  ## The device's software on arm64 under qemu (root; 10 to 30 minutes)
	tests/device_root/arm64.sh

test-image: setup  ## Build Dockerfile.jetson with buildah and run it (root; 10 minutes)
	tests/device_root/image.sh

venv38:  ## Python 3.8 with the Nano's packages, for tests/edge_app/test_python38.py
	tests/device_root/venv38.sh

sbom: setup  ## List what runs on the device (CycloneDX): sbom.cdx.json
	$(BIN)/python docs/security/make_sbom.py --requirements edge_app/requirements-jetson.txt --out sbom.cdx.json

clean:  ## Remove what the targets above made
	rm -rf $(VENV) .venv38 build demo sbom.cdx.json
