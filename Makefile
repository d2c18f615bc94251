# `make` lists what can be done here.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Darkroom needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[render,dev]'
	@touch $@

setup: .venv/ready ## make .venv with everything that Darkroom, its renderer and its tests need

demo: setup ## submit, wait and fetch a real video with the embedded renderer
	@$(BIN)/python -m darkroom demo

serve: setup ## start the server on port 8000 with its data in ./data
	@$(BIN)/darkroom serve --data data

test: setup ## every test, on real files, real sockets and real media
	$(BIN)/python -m pytest

check: setup ## format, lint, types, import contracts, docs, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

format: setup ## format the code and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## measure reads, submits and waits, side by side with nginx (Debian: nginx-light wrk)
	$(BIN)/python -m bench

clean: ## remove the virtual environment and every cache
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.PHONY: help setup demo serve test check format bench clean
