# `make` prints this help. Every target runs in a virtual environment of its own, made on first use.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PRODASSOC := $(BIN)/prodassoc
DATA ?= ../shared/data/retail/online_retail.csv.gz
# Of the tests: three for two cores, as tests wait for processes a third of their time.
WORKERS := -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: help
help: ## Show what can be made
	@grep -hE '^[a-z][a-z-]*:.*##' demo.mk Makefile | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

$(VENV)/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: install
install: $(VENV)/installed ## Make the virtual environment (.venv) with everything in it

include demo.mk

.PHONY: test
test: $(VENV)/installed ## Run the tests (a few minutes)
	$(BIN)/python -m pytest $(WORKERS) -m "not slow"

.PHONY: test-slow
test-slow: $(VENV)/installed ## Run the tests that need minutes, peers or real data
	$(BIN)/python -m pytest -m "slow and not faults"

.PHONY: test-wheel
test-wheel: $(VENV)/installed ## Build the wheel, and run it from where nothing can be written, on Python 3.11 to 3.14
	$(BIN)/python -m pytest -m slow tests/package

.PHONY: test-lowest
test-lowest: ## Run the tests with the oldest releases that pyproject.toml allows
	$(PYTHON) -m venv $(VENV)-lowest
	$(VENV)-lowest/bin/pip install --quiet --disable-pip-version-check uv
	$(VENV)-lowest/bin/uv pip compile --quiet --resolution lowest-direct --extra export pyproject.toml \
		--output-file $(VENV)-lowest/requirements.txt
	$(VENV)-lowest/bin/uv pip install --quiet --python $(VENV)-lowest/bin/python \
		-r $(VENV)-lowest/requirements.txt pytest pytest-xdist hypothesis ir-measures xlsxwriter
	NUMBA_CACHE_DIR=$(abspath $(VENV)-lowest)/kernels PYTHONPATH=. $(VENV)-lowest/bin/python -m pytest $(WORKERS) -m "not slow"

.PHONY: test-faults
test-faults: $(VENV)/installed ## Thousands of mutants, kills and starved runs (about half an hour)
	$(BIN)/python -m pytest -m faults tests/faults tests/property
	PRODASSOC_ALL_EXAMPLES=1 $(BIN)/python -m pytest $(WORKERS) -m "hypothesis and not slow"
	$(MAKE) fuzz

$(VENV)-spark/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)-spark
	$(VENV)-spark/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(VENV)-spark/bin/pip install --quiet --disable-pip-version-check --editable ".[spark]"
	@touch $@

.PHONY: java
java:
	@$${JAVA_HOME:+$$JAVA_HOME/bin/}java -version 2>/dev/null \
		|| { echo "Spark needs Java 17: install it, or set JAVA_HOME to its folder" >&2; exit 1; }

.PHONY: test-spark
test-spark: java $(VENV)-spark/installed ## Test Spark: here, over Connect, and in a cluster that it starts and stops
	$(VENV)-spark/bin/python -m pytest tests/engines

.PHONY: check
check: $(VENV)/installed ## Lint, check types, look up known holes, run the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(MAKE) audit
	$(MAKE) test

.PHONY: audit
audit: ## Look up known holes of the pinned dependencies; without the lists of them it says so
	@$(PYTHON) -m venv $(VENV)-audit
	@$(VENV)-audit/bin/pip install --quiet --disable-pip-version-check pip-audit || true
	@$(PYTHON) .ci/audit $(VENV)-audit/bin/pip-audit

.PHONY: fuzz
fuzz: ## Fuzz the parsers of our own, guided by coverage (8 minutes)
	$(PYTHON) -m venv $(VENV)-fuzz
	$(VENV)-fuzz/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(VENV)-fuzz/bin/pip install --quiet --disable-pip-version-check atheris
	$(VENV)-fuzz/bin/python -m tests.faults.fuzz_parsers

.PHONY: bench
bench: bench-mining bench-embedding bench-recommend ## Run every benchmark

.PHONY: bench-mining
bench-mining: $(VENV)/installed ## Time mining beside its peers
	$(BIN)/python -m benchmarks.mining

.PHONY: bench-scale
bench-scale: $(VENV)/installed ## Time clean, mine, train and recommend from 1 M lines up (LINES=1e6,1e7,1e8, PEER=a python with duckdb, ROUNDS=3)
	$(BIN)/python -m benchmarks.scale $(if $(LINES),--lines $(LINES)) $(if $(PEER),--peer $(PEER)) \
		$(if $(ROUNDS),--rounds $(ROUNDS))

.PHONY: bench-startup
bench-startup: $(VENV)/installed ## Time each command on the sample shop: import, read, work, write
	$(BIN)/python -m benchmarks.startup

.PHONY: bench-workbook
bench-workbook: $(VENV)/installed ## Clean Online Retail as CSV and as a workbook (PRODASSOC_DATA=its folder), and compare
	$(BIN)/python -m benchmarks.workbook

.PHONY: bench-answers
bench-answers: $(VENV)/installed ## Time how many baskets a second a kept-open recommend answers (MODEL=model.parquet)
	$(BIN)/python -m benchmarks.answers $(MODEL)

.PHONY: pollock
pollock: $(VENV)/installed ## Score how clean reads the Pollock benchmark (POLLOCK=its folder polluted_files)
	$(BIN)/python -m benchmarks.pollock $(POLLOCK)

.PHONY: bench-embedding
bench-embedding: $(VENV)/installed ## Time encoding beside its peers (PEERS=their python, PRODASSOC_CHECKPOINT=weights)
	$(BIN)/python -m benchmarks.embedding $(if $(PEERS),--peers $(PEERS))

.PHONY: bench-spark
bench-spark: java $(VENV)-spark/installed ## Time mining on Spark beside MLlib's FP-growth
	$(VENV)-spark/bin/python -m benchmarks.spark

.PHONY: bench-recommend
bench-recommend: $(VENV)/installed ## Recommend beside implicit, irspack and rusket (PEERS=their python)
	$(BIN)/python -m benchmarks.recommend $(if $(PEERS),--peers $(PEERS))

.PHONY: bench-language
bench-language: $(VENV)/installed ## Measure what the language model adds, and each encoder (docs/language.md)
	$(BIN)/python -m benchmarks.language

.PHONY: lock
lock: ## Resolve the dependencies again, into requirements.lock
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install --quiet pip-tools
	$(VENV)-lock/bin/pip-compile --quiet --extra dev --upgrade --generate-hashes --allow-unsafe --strip-extras \
		--no-header --no-annotate --no-emit-options --no-emit-index-url --no-emit-find-links \
		--no-emit-trusted-host --output-file requirements.lock pyproject.toml

.PHONY: clean
clean: ## Remove what was made
	rm -rf $(VENV) $(VENV)-* .demo .demo-uci .demo-zh build dist .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
