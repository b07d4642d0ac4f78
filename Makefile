# `make quickstart` and `make test` are all that a newcomer needs; each sets up what it uses.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
FAST := not slow and not ray and not browser and not gpu
# Fast tests share nothing, so each core gets a worker; one thread each, or torch and numpy would fight over the cores.
WORKERS ?= $(shell $(PYTHON) -c "import os; print(min(8, len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()))")
PARALLEL := -n $(WORKERS) --dist loadgroup
SOURCES := search_spaces trainables robustune analysis benchmarks

.PHONY: setup quickstart test fast check format bench lock clean

setup: $(INSTALLED)

# No dependencies: the lock is complete, and torchattacks asks for an older requests than it holds (see [tool.uv]).
$(INSTALLED): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-deps --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

quickstart: $(INSTALLED)
	$(BIN)/robustune search quickstart

# Everything that this machine can run; pytest says what it skipped and why. Ray, MLflow's server and the browser take
# ports, memory and time of their own, so the rest runs one by one, also where a fast test has failed.
test: $(INSTALLED)
	@status=0; \
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "$(FAST)" $(PARALLEL) || status=1; \
	$(BIN)/python -m pytest -m "not ($(FAST))" || status=1; \
	exit $$status

fast: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "$(FAST)" $(PARALLEL)

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks

# Keeps the pins that still fit; `make lock UPGRADE=--upgrade` moves them all.
lock: $(INSTALLED)
	$(BIN)/uv pip compile $(UPGRADE) --quiet --universal --python-version 3.11 --extra dev --extra peers \
		--no-header --no-annotate --no-emit-index-url pyproject.toml --output-file requirements.lock

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
