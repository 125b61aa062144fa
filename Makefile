# Each target makes .venv if need be; a stamp remembers which pyproject.toml an extra was installed from.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test oracles minimum lint format results clean

demo: $(VENV)/.stamp-install
	$(BIN)/windowclf quickstart --out runs/quickstart --force

test: lint
	$(BIN)/python -m pytest

lint: $(VENV)/.stamp-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# PyTorch's default wheels bring gigabytes of CUDA; README.md says how to get its CPU build first.
oracles: $(VENV)/.stamp-oracles
	$(BIN)/python -m pytest tests/oracles

# The tests against the oldest versions that pyproject.toml allows.
minimum:
	$(PYTHON) -m venv .venv-minimum
	.venv-minimum/bin/python -m pip install --quiet $$($(PYTHON) tests/minimum_versions.py) build
	.venv-minimum/bin/python -m pip install --quiet --no-deps --editable .
	.venv-minimum/bin/python -m pytest -m "not slow"

format: $(VENV)/.stamp-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The tables of docs/results.md on the real corpora: hours on two cores; interrupted, it goes on.
results: $(VENV)/.stamp-test
	$(BIN)/windowclf data fetch glove-6b-100d
	$(BIN)/python benchmarks/accuracy.py --cells runs/cells.jsonl --update-docs
	$(BIN)/python benchmarks/in_turn.py --cells runs/cells.jsonl --update-docs
	$(BIN)/python benchmarks/ablation.py --cells runs/cells.jsonl --update-docs

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.stamp-install: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.stamp-test: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@ $(VENV)/.stamp-install

$(VENV)/.stamp-oracles: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[oracles]'
	touch $@ $(VENV)/.stamp-test $(VENV)/.stamp-install

clean:
	rm -rf $(VENV) .venv-minimum dist build runs .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
