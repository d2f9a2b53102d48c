# Everything works with python3 (3.11 or newer), make and git alone: the first target that needs it
# makes .venv and installs Invis there. Stamp files make second runs quick.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Twice quiet: errors only.
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
# Extra arguments for pytest: make test ARGS="tests/views -k gallery"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test slow lab serve lint types bench install dev clean

help: ## Say what there is to make
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1|\2/' | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

demo: $(VENV)/.installed ## Search one unit that ships with Invis and show its gallery
	@$(BIN)/invis demo

test: $(VENV)/.installed-dev ## Run the fast tests
	@$(BIN)/python -m pytest -m "not slow and not browser" $(ARGS)

slow: $(VENV)/.installed-dev ## Run the heavy tests and those in a browser
	@$(BIN)/python -m pytest -m "slow or browser" $(ARGS)

lab: $(VENV)/.installed ## Open the notebooks in JupyterLab
	@$(BIN)/invis lab

serve: $(VENV)/.installed ## Serve the atlas that ships as a dashboard on this machine
	@$(BIN)/invis serve $(ARGS)

lint: $(VENV)/.installed-dev ## Check style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev ## Check types
	@$(BIN)/mypy

bench: $(VENV)/.installed ## Run the benchmarks
	@shopt -s nullglob; for file in benchmarks/*.py; do echo "$$file"; $(BIN)/python "$$file" || exit 1; done

install: $(VENV)/.installed ## Make .venv and install Invis

dev: $(VENV)/.installed-dev ## Also install what the tests need

clean: ## Remove .venv and everything that can be made again
	rm -rf $(VENV) build dist out .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is missing; Invis needs Python 3.11 or newer." >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $$($(PYTHON) --version) is too old; Invis needs 3.11 or newer (make PYTHON=python3.12 ...)." >&2; exit 2; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "make: $(PYTHON) cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; exit 2; }
	@touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml
	@echo "Installing Invis and what it needs into $(VENV): a few minutes the first time"
	@$(PIP) --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.made pyproject.toml
	@echo "Installing Invis, what it needs and the test tools into $(VENV): a few minutes the first time"
	@$(PIP) --editable '.[dev]'
	@touch $(VENV)/.installed $@
