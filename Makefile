# Every target makes .venv if need be; a stamp remembers which pyproject.toml an extra was installed from.
# Each recipe runs as it would by hand; `make check PYTEST='-x -k crf'` passes options on to pytest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST ?=
RUN_TESTS := $(BIN)/python -m pytest --numprocesses auto --dist worksteal

# Without cached bytecode every process of the tests compiles the whole library again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo check test lint docs oracles minimum format results release clean

demo: $(VENV)/.stamp-install
	$(BIN)/windowclf quickstart --out runs/quickstart --force

check: lint
	$(RUN_TESTS) -m "not slow" --hypothesis-profile check $(PYTEST)

test: lint $(if $(wildcard docs/conf.py),docs)
	$(RUN_TESTS) $(PYTEST)

lint: $(VENV)/.stamp-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The documentation site, in build/docs; a warning is an error.
docs: $(VENV)/.stamp-docs
	$(BIN)/sphinx-build -W --keep-going -q docs build/docs

# PyTorch's default wheels bring gigabytes of CUDA; CONTRIBUTING.md says how to get its CPU build first.
oracles: $(VENV)/.stamp-oracles
	$(BIN)/python -m pytest tests/oracles

# The tests against the oldest versions that pyproject.toml allows.
minimum:
	$(PYTHON) -m venv --clear .venv-minimum
	.venv-minimum/bin/python -m pip install --quiet $$($(PYTHON) tests/minimum_versions.py) build
	.venv-minimum/bin/python -m pip install --quiet --no-deps --editable .
	.venv-minimum/bin/python -m pytest -m "not slow" $(PYTEST)

format: $(VENV)/.stamp-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The tables of docs/results.md on the real corpora: hours on two cores; interrupted, it goes on.
results: $(VENV)/.stamp-test
	$(BIN)/windowclf vectors info glove-6b-50d+glove-6b-100d
	$(BIN)/python benchmarks/accuracy.py --cells runs/cells.jsonl --update-docs
	$(BIN)/python benchmarks/in_turn.py --cells runs/cells.jsonl --update-docs
	$(BIN)/python benchmarks/ablation.py --cells runs/cells.jsonl --update-docs

# Wheel and sdist in dist/, each installed into a new environment and tried there.
release: $(VENV)/.stamp-test
	rm -rf dist build/release
	$(BIN)/python -m build --outdir dist
	$(BIN)/twine check --strict dist/*
	for file in dist/*; do \
		$(PYTHON) -m venv --clear build/release && \
		build/release/bin/python -m pip install --quiet "$$file" && \
		(cd build && release/bin/windowclf quickstart --out release/quickstart && \
		release/bin/windowclf tag ner-en --text "Angela Merkel flew from Berlin to New York.") || exit 1; \
	done

# An environment is made again if it does not run (half made, its Python removed or replaced), or if nothing was
# ever installed into it and it is of another Python than the one asked for now.
VERSION := -c 'import pip, sys; print(sys.version)'
IN_VENV := $(shell ($(BIN)/python $(VERSION)) 2>/dev/null)
ifeq ($(IN_VENV),)
.PHONY: $(BIN)/python
else ifeq ($(wildcard $(VENV)/.stamp-install),)
ifneq ($(IN_VENV),$(shell ($(PYTHON) $(VERSION)) 2>/dev/null))
.PHONY: $(BIN)/python
endif
endif

IS_NEW_ENOUGH = $(shell ($(PYTHON) -c 'import sys; print("x" * (sys.version_info >= (3, 11)))') 2>/dev/null)
FOUND = $(shell ($(PYTHON) -c 'import sys; print(sys.version.split()[0])' || echo not there) 2>/dev/null)
$(BIN)/python:
	$(if $(IS_NEW_ENOUGH),,$(error windowclf needs Python 3.11 or newer; $(PYTHON) is $(FOUND). \
		Name another one: make $(MAKECMDGOALS) PYTHON=python3.12))
	$(PYTHON) -m venv --clear $(VENV)

$(VENV)/.stamp-install: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.stamp-test: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@ $(VENV)/.stamp-install

$(VENV)/.stamp-docs: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	touch $@ $(VENV)/.stamp-install

$(VENV)/.stamp-oracles: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[oracles]'
	touch $@ $(VENV)/.stamp-test $(VENV)/.stamp-install

clean:
	rm -rf $(VENV) .venv-minimum dist build runs .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
