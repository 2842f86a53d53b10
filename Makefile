# `make quickstart` and `make test` work on a bare machine with Python 3.11 and make.
VENV := .venv
BIN := $(VENV)/bin
ROOMS := registry zoo benchmarks leaderboards
PYTHON ?= python3
PYTEST_FLAGS ?=

.PHONY: quickstart test check boards slow

quickstart: $(VENV)/installed
	$(BIN)/pixvox quickstart

test: $(VENV)/installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(PYTEST_FLAGS)

check: test

slow: $(VENV)/installed-test
	$(BIN)/pytest -m slow

boards: $(VENV)/installed
	$(BIN)/pixvox board leaderboards/results --out leaderboards --readme README.md --families leaderboards/README.md --wheels zoo/weights
	for study in leaderboards/studies/*/; do $(BIN)/pixvox board $${study}results --out $$study || exit 1; done
	$(BIN)/pixvox zoo gate leaderboards/results --budget brief --protocol knn_probe --protocol linear_probe --out zoo/check.json >/dev/null
	$(BIN)/pixvox zoo page
	$(BIN)/pixvox zoo wheels
	$(BIN)/pixvox metrics page
	$(BIN)/pixvox tasks page

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/installed-test: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $@ $(VENV)/installed
