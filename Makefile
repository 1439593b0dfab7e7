# Every target makes .venv and installs what it needs by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_FLAGS := --quiet --disable-pip-version-check -c constraints.txt

.PHONY: quickstart test test-all bench docs lint clean

quickstart: $(VENV)/.core
	$(BIN)/python -m gradus.quickstart

test: $(VENV)/.dev lint
	$(BIN)/python -m pytest -n 2 --dist worksteal
	$(BIN)/mkdocs build --strict --quiet --site-dir build/site

test-all: $(VENV)/.dev lint
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "learn or not learn"
	$(BIN)/mkdocs build --strict --quiet --site-dir build/site

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(VENV)/.bench
	$(BIN)/python benchmarks/mlp.py
	$(BIN)/python benchmarks/convnet.py
	$(BIN)/python benchmarks/augment.py
	$(BIN)/python benchmarks/word2vec.py

docs: $(VENV)/.dev
	$(BIN)/mkdocs serve

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# One stamp an extra; a changed pyproject.toml or constraints.txt installs again.
$(VENV)/.core: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install $(PIP_FLAGS) -e .
	@touch $@

$(VENV)/.%: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install $(PIP_FLAGS) -e ".[$*]"
	@touch $@

clean:
	rm -rf build $(VENV)
