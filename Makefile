# Every command of the project. It needs Python 3.11 or newer, pip and make; only `setup` needs a network.
PYTHON ?= python3
VENV   := .venv
# Windows has its programs in another folder of a virtual environment.
BIN    := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PIP    := $(BIN)/python -m pip --disable-pip-version-check
LOCK   := $(BIN)/python tests/requirements_lock.py
REFUSED = { echo "pip cannot install the files of requirements.lock. If a hash differs, do not use that file. If the index" \
	"lacks a version, install what constraints.txt allows, without hashes: make LOCK=false $(MAKECMDGOALS)"; exit 1; }
PACKAGES := . $(patsubst %/pyproject.toml,./%,$(wildcard plugins/*/pyproject.toml))
TORCH  := $(shell sed -n 's/^torch==//p' constraints.txt)
TORCH_BUILD := $(if $(filter Linux,$(shell uname -s)),+cpu)
# Threads and hypothesis are set in conftest.py, for a bare pytest too.
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help setup demo test robust browser slow portable speed simulate fuzz check format docs lock dist test-dist test-lowest test-newest site notebooks

help:  ## Show this.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.dev  ## Install the core, every plugin and the tools into .venv.

# Two stamps: what runs the zoo, and the tools on top. Each is made again when a pyproject, the constraints or the lock change.
# The lock has the hashes for one Python on one system. Elsewhere its script says so, and pip chooses within the constraints.
$(VENV)/.installed: constraints.txt requirements.lock pyproject.toml $(wildcard plugins/*/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, $(PYTHON) is " + sys.version.split()[0] + ": make PYTHON=python3.11 $(MAKECMDGOALS)")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV); the first time takes a few minutes (torch is large)."
	@$(LOCK) runtime > $(VENV)/runtime.txt || true
	@if [ -s $(VENV)/runtime.txt ]; then $(PIP) install -q --require-hashes --no-deps -r $(VENV)/runtime.txt || $(REFUSED); \
		else $(PIP) install -q "setuptools>=77"; fi
# On Linux an index's plain torch brings gigabytes of CUDA: take the CPU build, or say so and stop.
	@$(PIP) install -q "torch==$(TORCH)$(TORCH_BUILD)" || { \
		echo "pip finds no CPU build of torch $(TORCH). Point PIP_EXTRA_INDEX_URL at PyTorch's index of CPU wheels," \
		"or take the default build, CUDA included: make TORCH_BUILD= $(MAKECMDGOALS)"; exit 1; }
	@$(PIP) install -q -c constraints.txt --no-build-isolation $$(test ! -s $(VENV)/runtime.txt || echo --no-deps) \
		$(addprefix -e ,$(PACKAGES))
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	@if [ -s $(VENV)/runtime.txt ]; then \
		$(LOCK) tools > $(VENV)/tools.txt && $(PIP) install -q --require-hashes --no-deps -r $(VENV)/tools.txt || $(REFUSED); \
		else $(PIP) install -q -c constraints.txt --no-build-isolation -e '.[dev]'; fi
	@touch $@

$(VENV)/.browser: $(VENV)/.dev
	@$(PIP) install -q -c constraints.txt --no-build-isolation -e '.[browser]'
	@touch $@

$(VENV)/.speed: $(VENV)/.dev
	@$(PIP) install -q -c constraints.txt --no-build-isolation -e '.[speed]'
	@touch $@

$(VENV)/.release: $(VENV)/.dev
	@$(PIP) install -q -c constraints.txt --no-build-isolation -e '.[release]'
	@touch $@

$(VENV)/.docs: $(VENV)/.dev
	@$(PIP) install -q -c constraints.txt --no-build-isolation -e '.[docs]'
	@touch $@

demo: $(VENV)/.installed  ## Benchmark the baselines on the built-in shop.
	$(BIN)/zoo demo

# The tests of a file run in one process: what they share, as the fits of a plugin's components, is then made once.
PARALLEL := -n auto --maxprocesses 4 --dist loadfile

test: $(VENV)/.dev  ## Run the test suite, without what robust, browser and slow run.
	$(PYTEST) $(PARALLEL)

robust: $(VENV)/.dev  ## Run the tests of kills, signals, limits and installs, in processes of their own.
	$(PYTEST) -m "robust and not slow" -n auto --maxprocesses 4

# Debian's package; elsewhere, and without root, install chromium before.
browser: $(VENV)/.browser  ## Run the tests of the HTML report in a headless Chromium; root installs it on Debian.
	@command -v chromium > /dev/null || command -v chromium-browser > /dev/null || command -v google-chrome > /dev/null || { test "$$(id -u)" = 0 && command -v apt-get > /dev/null && \
		apt-get update -q && apt-get install -q -y --no-install-recommends chromium; } || \
		{ echo "No browser is installed: install chromium, then make $(MAKECMDGOALS)."; exit 1; }
	ZOO_BROWSER=required $(PYTEST) -m browser tests/html_report

slow: $(VENV)/.dev  ## Run the long tests: real data, published figures.
	ZOO_HYPOTHESIS=random $(PYTEST) -m slow

portable: $(VENV)/.dev  ## Run the tests of learning over seeds, threads and instruction sets.
	$(BIN)/python tests/portable.py

speed: $(VENV)/.speed  ## Run the benchmarks of tests/speed, one after the other, on an otherwise idle machine.
	@for file in tests/speed/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

simulate: $(VENV)/.dev  ## Measure by simulation how often intervals cover and verdicts err.
	$(BIN)/python tests/evaluation/simulate_statistics.py

# Cases of each fuzzer; a seed of a failure repeats it: python tests/fuzz/configs.py --seed S --count 1.
FUZZ_CONFIGS ?= 10000
FUZZ_DATA ?= 2000
FUZZ_ARTIFACTS ?= 2000
FUZZ_RUNS ?= 500
FUZZ_SEED ?= 0

fuzz: $(VENV)/.dev  ## Feed hostile configs, data files, artifacts and results, a few minutes long; FUZZ_DATA=10000 for more.
	$(BIN)/python tests/fuzz/configs.py --count $(FUZZ_CONFIGS) --seed $(FUZZ_SEED)
	$(BIN)/python tests/fuzz/data_files.py --count $(FUZZ_DATA) --seed $(FUZZ_SEED)
	$(BIN)/python tests/fuzz/artifacts.py --count $(FUZZ_ARTIFACTS) --seed $(FUZZ_SEED)
	$(BIN)/python tests/fuzz/run_folders.py --count $(FUZZ_RUNS) --seed $(FUZZ_SEED)

check: $(VENV)/.dev  ## Check format, lint, types, layers, generated docs and unsafe calls.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python docs/generate --check
	$(BIN)/python tests/review.py

format: $(VENV)/.dev  ## Format, and mend what ruff can.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(VENV)/.dev  ## Resolve the dependencies anew and write requirements.lock, for this Python and system.
	$(LOCK) write

site: $(VENV)/.docs  ## Build the documentation site in build/site; a warning is an error.
	$(BIN)/python -m sphinx -W --keep-going -q -d build/doctrees docs build/site
	@echo "Open build/site/index.html."

notebooks: $(VENV)/.docs  ## Run the notebooks of docs/notebooks.
	$(BIN)/python tests/notebooks.py

docs: $(VENV)/.dev  ## Write the generated pages of docs anew.
	$(BIN)/python docs/generate

dist: $(VENV)/.release  ## Build sdists and wheels of the core and all plugins into dist.
	$(BIN)/python tests/distributions.py build

# The tests of the next targets: arguments of pytest; for `test-dist` also `none`.
TESTS ?=
# What to install as the newest torch. Plain `torch` is a CUDA build on Linux, gigabytes large, so the CPU build of constraints.txt
# is kept unless another requirement is given.
TORCH_NEWEST ?= "torch==$(TORCH)$(TORCH_BUILD)"

test-lowest:  ## Run the suite with the lowest versions that pyproject.toml allows, in .venv-lowest.
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install -q --upgrade pip "setuptools==$$(sed -n 's/^setuptools==//p' constraints-lowest.txt)"
	.venv-lowest/bin/python -m pip install -q "torch==$(TORCH)$(TORCH_BUILD)"
	.venv-lowest/bin/python -m pip install -q -c constraints-lowest.txt --no-build-isolation $(addprefix -e ,$(PACKAGES)) -e '.[dev]'
	.venv-lowest/bin/python -m pytest $(or $(TESTS),$(PARALLEL))

test-newest:  ## Check, and run the suite, with the newest versions of all but torch, in .venv-newest.
	$(PYTHON) -m venv .venv-newest
	.venv-newest/bin/python -m pip install -q --upgrade pip setuptools
	@touch .venv-newest/.installed .venv-newest/.dev
	.venv-newest/bin/python -m pip install -q --upgrade --upgrade-strategy eager --no-build-isolation $(TORCH_NEWEST) \
		$(addprefix -e ,$(PACKAGES)) -e '.[dev]'
	.venv-newest/bin/python -m pip list
	$(MAKE) VENV=.venv-newest check
	.venv-newest/bin/python -m pytest $(or $(TESTS),$(PARALLEL))

test-dist:  ## Try the wheels of dist in a new environment of PYTHON; TESTS=none for all but the suite.
	$(PYTHON) tests/distributions.py test $(TESTS)
