# `make gate` and `make test` set up what they need; `tetrad` itself is what scripts call.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TETRAD := $(BIN)/tetrad
PEERS := benchmarks/.peers
MUTANTS_AT_ONCE ?= 1
# Stages without files, network or clocks: their own tests reach nearly all of their branches. To
# count those of all stages takes half as long again on a Python that is older than 3.14.
PURE := yamldoc schemas templates model assertions golden promptfoo results loading identity policy plan report
PURE_TESTS := $(wildcard $(PURE:%=tests/%))
PIP := $(BIN)/python -m pip --disable-pip-version-check
TORCH := $(shell grep '^torch==' constraints.txt)
# On Linux without an NVIDIA GPU the CPU build of the same version saves gigabytes.
HAS_GPU := $(shell command -v nvidia-smi 2>/dev/null)
ifeq ($(shell uname -s)$(HAS_GPU),Linux)
TORCH_INDEX := --extra-index-url https://download.pytorch.org/whl/cpu --retries 1 --timeout 15
endif

.DEFAULT_GOAL := help
.PHONY: help setup models gate demo test coverage campaigns mutants check benchmarks soak docs wheel clean

help:  ## List what make can do
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.installed  ## Create .venv with the extras torch and dev

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "tetrad needs Python 3.11 or newer: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --upgrade 'pip>=25'
	@echo "installing $(TORCH) …"
	$(PIP) install --quiet $(TORCH_INDEX) '$(TORCH)' --constraint constraints.txt
	@echo "installing tetrad with the extras torch and dev …"
	$(PIP) install --quiet --editable '.[torch,dev]' --constraint constraints.txt
	@$(BIN)/python -m compileall -q src
	@touch $@

models: setup  ## Fetch and verify the pinned models
	@$(TETRAD) pull

gate: setup  ## Evaluate the example stacks, print the verdict, write the report
	@$(TETRAD) gate

demo: setup models  ## Play a change from the gate to a rollback, in a clone of its own (KEEP=1 leaves the gateway running)
	@$(BIN)/python demo/play.py $(if $(KEEP),--keep)

test: setup models  ## Run the tests; those of the pure stages must reach 95 % of their lines and branches
	$(BIN)/python -m pytest -n 2 -m "not campaign" $(PURE:%=--cov=tetrad.%) $(PURE_TESTS)
	$(BIN)/python -m pytest -n 2 -m "not campaign" $(PURE_TESTS:%=--ignore=%)

coverage: setup models  ## Run the same tests, and print which lines and branches of every stage they reach
	$(BIN)/python -m pytest -n 2 -m "not campaign" --cov=tetrad --cov-fail-under=0

campaigns: setup models  ## Run the heavy campaigns: fuzzing, kill -9
	$(BIN)/python -m pytest -n 2 -m campaign

$(VENV)/.mutants: $(VENV)/.installed
	@echo "installing what makes mutants …"
	$(PIP) install --quiet --editable '.[mutants]' --constraint constraints.txt
	@touch $@

mutants: setup $(VENV)/.mutants  ## Run mutation testing on what decides and what is digested
	@rm -rf mutants  # what is not Python is not copied anew
	PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 $(BIN)/mutmut run --max-children $(MUTANTS_AT_ONCE)
	$(BIN)/mutmut results

check: setup  ## Run every static check
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(TETRAD) lint
	$(TETRAD) lock --check

$(PEERS)/.installed: benchmarks/requirements.txt
	@echo "installing what the benchmarks measure beside tetrad …"
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip --disable-pip-version-check install --quiet --requirement $<
	@touch $@

benchmarks: setup models $(PEERS)/.installed  ## Measure every claim of speed and size against its limit
	$(BIN)/python benchmarks/lint.py
	$(BIN)/python benchmarks/large_files.py
	$(BIN)/python benchmarks/monorepo.py
	$(BIN)/python benchmarks/warm_rerun.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/ledger.py
	$(BIN)/python benchmarks/infra.py
	test -z "$$KUBEBUILDER_ASSETS" || $(BIN)/python benchmarks/cluster_deployments.py
	$(BIN)/python benchmarks/retrieval.py
	$(BIN)/python benchmarks/verification.py
	$(BIN)/python benchmarks/orchestration.py --peer-python $(PEERS)/bin/python
	$(BIN)/python benchmarks/torch_engine.py
	$(BIN)/python benchmarks/gateway.py --peer-python $(PEERS)/bin/python
	$(BIN)/python benchmarks/busy_machine.py
	$(BIN)/python benchmarks/rollbacks.py --peer-python $(PEERS)/bin/python

soak: setup $(PEERS)/.installed  ## Load a gateway for 20 minutes: its memory, threads and files stay flat
	$(BIN)/python benchmarks/soak.py --peer-python $(PEERS)/bin/python

docs: setup  ## Write the pages that are generated again
	$(BIN)/python docs/rules/generate.py
	TETRAD_WRITE_GOLDENS=1 $(BIN)/python -m pytest -q tests/schemas/test_reference.py tests/assertions/test_table.py || true

wheel: setup  ## Build the wheel into dist/
	$(BIN)/python -m build --wheel --outdir dist

clean:  ## Remove what was built here; kept answers and models stay
	rm -rf $(VENV) $(PEERS) mutants dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
