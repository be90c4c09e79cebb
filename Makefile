# What a person does with the checkout. Needs git, make, python3 (3.11 or later) with its venv module, and pip's index.
#
#   make demo        two months of a household line, from log to page
#   make test        style, types, layers and the tests: under ten minutes on two cores
#   make test-full   the long suites: conformance, browser, faults, the readers without the JIT; SECONDS_ALLOWED=3600 to bound it
#   make test-faults kills, power cuts, full disks, failing writes: the figures of docs/reference/promises.md
#   make fuzz        coverage-guided fuzzing of a reader: SECONDS=3600 READER=capture (or netfilter); Linux on x86-64
#   make bench       the benchmarks of docs/reference/benchmarks.md
#   make lint format docs lock clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SECONDS_ALLOWED ?= 14400
SECONDS ?= 3600
READER ?= capture
# processes of `make test`; 0 for this one alone
WORKERS ?= auto
# pytest's own words, such as PYTEST_ARGS="-k netfilter"
PYTEST_ARGS ?=

# compiled modules are kept, whatever the environment says: hundreds of short processes would compile them anew
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install demo test test-faults test-full fuzz bench lint format docs lock clean

help:
	@sed -n 's/^#   //p' Makefile

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "teiten needs Python 3.11 or later; name one: make PYTHON=python3.12")'
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing: apt install python3-venv"; rm -rf $(VENV); exit 1; }

# The package itself is installed in place, so that what is edited is what runs.
$(VENV)/.installed: requirements.lock requirements-build.lock pyproject.toml | $(BIN)/python
	@echo "Installing what requirements.lock names into $(VENV) (some 200 MB to fetch, once) ..."
	@$(PIP) install --require-hashes -r requirements-build.lock
	@$(PIP) install --require-hashes --only-binary :all: -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@echo "Installing the tools of requirements-dev.lock ..."
	@$(PIP) install --require-hashes --only-binary :all: -r requirements-dev.lock
	@touch $@

# Machine code of the readers is made once for a processor and kept beside the sources.
$(VENV)/.warm: $(VENV)/.installed
	@echo "Compiling the readers for this machine, once (some 15 seconds) ..."
	@$(BIN)/teiten decode --tz UTC --year 2026 examples/router.log > /dev/null
	@touch $@

# All kernels, before several processes want them at once.
$(VENV)/.warm-all: $(VENV)/.warm
	@$(BIN)/python -c "from teiten.readers import _jit; [_jit.make(group[0][0].rpartition('.')[2] + '.') for group in _jit.KERNELS]"
	@touch $@

install: $(VENV)/.installed

demo: $(VENV)/.warm
	@$(BIN)/teiten demo

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# (the types are looked at while the kernels are compiled)
test:
	@$(MAKE) --no-print-directory -j2 lint $(VENV)/.warm-all
	$(BIN)/python -m pytest -m "not full" -n $(WORKERS) --maxprocesses 4 --dist loadfile $(PYTEST_ARGS)

test-faults: $(VENV)/.installed-dev $(VENV)/.warm
	$(BIN)/python -m pytest -q -s -m faults tests/faults tests/lake $(PYTEST_ARGS)

test-full: $(VENV)/.installed-dev $(VENV)/.warm
	@PATH="$(CURDIR)/$(BIN):$$PATH" tools/test_full.sh $(SECONDS_ALLOWED)

$(VENV)/.installed-fuzz: requirements-fuzz.lock $(VENV)/.installed-dev
	@$(PIP) install --require-hashes --only-binary :all: --no-deps -r requirements-fuzz.lock
	@touch $@

fuzz: $(VENV)/.installed-fuzz $(VENV)/.warm
	$(BIN)/python tools/fuzz.py --seconds $(SECONDS) --reader $(READER)

bench: $(VENV)/.warm
	$(BIN)/teiten bench all

docs: $(VENV)/.installed
	$(BIN)/python tools/build_docs.py

# One lock for all systems and Pythons, with hashes and without any host's name. Needs uv.
LOCK := uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
  --no-emit-index-url --no-emit-find-links -c requirements-limits.in
lock:
	$(LOCK) pyproject.toml -o requirements.lock
	$(LOCK) --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	$(LOCK) requirements-build.in -o requirements-build.lock
	$(LOCK) requirements-fuzz.in -o requirements-fuzz.lock

clean:
	rm -rf .ci/artifacts $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache teiten-demo
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
