# Everything works with python3 (3.11 or newer), make and git alone: the first target that needs it
# makes .venv and installs Invis there. Stamp files make second runs quick.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Twice quiet: errors only.
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
# make demo TORCH=cpu: PyTorch's CPU build from the index below, gigabytes smaller than CUDA's.
TORCH ?=
# Where `make wheelhouse` and TORCH=cpu find PyTorch; empty: where pip finds everything else.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
# make demo WHEELHOUSE=DIR: install from what `make wheelhouse` collected, without a network.
WHEELHOUSE ?=
# make wheelhouse DEV=1: with what make test and make docs need.
DEV ?=
# make bench WEIGHTS=FILE: with real weights of VGG-16 (safetensors).
WEIGHTS ?=
WITH_WEIGHTS := $(if $(WEIGHTS),--weights '$(WEIGHTS)')
ON_CARD := --device cuda --units 1,8,64 --layers conv1_2,conv2_2,conv3_1,conv4_1 --precision fp32,tf32,bf16
# A name, because its commas would end an argument of $(if).
TOOLS := [all,dev,docs]
OFFLINE := $(if $(WHEELHOUSE),--no-index --find-links '$(WHEELHOUSE)')
HOUSE := $(or $(WHEELHOUSE),wheelhouse)
TORCH_WANTED = $(shell sed -nE "s/^  \"(torch(vision)?>.*)\",$$/'\1'/p" pyproject.toml)
FROM_TORCH_INDEX := $(if $(TORCH_INDEX),--index-url '$(TORCH_INDEX)')
# What pip builds an editable install with.
BUILD_TOOLS := 'hatchling>=1.24,<2' editables
# Extra arguments for pytest: make test ARGS="tests/views -k gallery"
ARGS ?=
# One process a core, each with one thread, and no more than fit into the memory of a laptop; the tests of a
# file stay together, as they share what is slow to make.
SIDE_BY_SIDE := -n auto --maxprocesses 4 --dist loadscope

.DEFAULT_GOAL := help
.PHONY: help demo test slow lab serve solutions lint types docs pictures bench install dev wheelhouse clean

help: ## Say what there is to make
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1|\2/' | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

demo: $(VENV)/.installed ## Search one unit that ships with Invis and show its gallery
	@$(BIN)/invis demo

test: $(VENV)/.installed-dev ## Run the fast tests
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(SIDE_BY_SIDE) -m "not slow and not browser" $(ARGS)

slow: $(VENV)/.installed-dev ## Run the heavy tests and those in a browser
	@$(BIN)/python -m pytest -m "slow or browser" $(ARGS)

lab: $(VENV)/.installed ## Open the notebooks in JupyterLab
	@$(BIN)/invis lab

serve: $(VENV)/.installed ## Serve the atlas that ships as a dashboard on this machine
	@$(BIN)/invis serve $(ARGS)

solutions: $(VENV)/.made ## Write the solved notebooks from the notebooks and their answers
	@$(BIN)/python notebooks/solutions/build.py

lint: $(VENV)/.installed-dev ## Check style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev ## Check types
	@$(BIN)/mypy

docs: $(VENV)/.installed-docs ## Build the documentation in site/, strictly: a broken link is an error
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet
	@echo "Open site/index.html; it needs no server"

pictures: $(VENV)/.installed-dev ## Take the pictures of the README and the documentation anew
	@$(BIN)/python docs/screenshots.py $(ARGS)

bench: $(VENV)/.installed ## Measure against lucent and the bare convolutions, and how costs grow: two hours
	@$(BIN)/python benchmarks/search_cost.py $(WITH_WEIGHTS) --out benchmarks/results/search_cost.json
	@! $(BIN)/python -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' || \
	$(BIN)/python benchmarks/search_cost.py $(WITH_WEIGHTS) $(ON_CARD) --out benchmarks/results/search_cost_gpu.json
	@$(BIN)/python benchmarks/growth.py --out benchmarks/results/growth.json
	@$(BIN)/python benchmarks/against_lucent.py $(WITH_WEIGHTS) --out benchmarks/results/lucent.json
	@$(BIN)/python benchmarks/tables.py --write

install: $(VENV)/.installed ## Make .venv and install Invis

dev: $(VENV)/.installed-dev ## Also install what the tests need

wheelhouse: $(VENV)/.made ## Collect all packages in wheelhouse/, for machines without a network
	@echo "Collecting Invis and what it needs for $$($(BIN)/python --version) on $$(uname -sm) in $(HOUSE)"
	@mkdir -p '$(HOUSE)'
	@$(BIN)/python -m pip wheel -qq --no-deps -w '$(HOUSE)' $(FROM_TORCH_INDEX) $(TORCH_WANTED)
	@cd '$(HOUSE)' && ls torch-*.whl torchvision-*.whl | sed -E 's/^([^-]+)-([^-]+)-.*/\1==\2/; s/%2B/+/' >torch.txt
	@$(BIN)/python -m pip wheel -qq -w '$(HOUSE)' -f '$(HOUSE)' -c '$(HOUSE)/torch.txt' '.$(if $(DEV),$(TOOLS),[all])' $(BUILD_TOOLS)
	@du -sh '$(HOUSE)'
	@echo "make demo WHEELHOUSE='$(HOUSE)' installs from it; without make: pip install --no-index --find-links '$(HOUSE)' 'invis[all]'"

clean: ## Remove .venv and everything that can be made again
	rm -rf $(VENV) build dist out site .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is missing; Invis needs Python 3.11 or newer." >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $$($(PYTHON) --version) is too old; Invis needs 3.11 or newer (make PYTHON=python3.12 ...)." >&2; exit 2; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "make: $(PYTHON) cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; exit 2; }
	@touch $@

# PyTorch comes first where its build matters; its own needs come with Invis.
define torch_first
@$(if $(WHEELHOUSE),ls '$(WHEELHOUSE)'/invis-*.whl >/dev/null 2>&1 || { echo "make: $(WHEELHOUSE) holds no wheel of Invis; make wheelhouse collects them." >&2; exit 2; },:)
@$(if $(TORCH),test '$(TORCH)' = cpu || { echo "make: TORCH is $(TORCH); only cpu can be chosen here." >&2; exit 2; },:)
@$(if $(and $(TORCH),$(if $(WHEELHOUSE),,1)),$(PIP) --no-deps $(FROM_TORCH_INDEX) $(TORCH_WANTED),:)
endef

$(VENV)/.installed: $(VENV)/.made pyproject.toml
	@echo "Installing Invis and what it needs into $(VENV): a few minutes the first time"
	$(torch_first)
	@$(PIP) $(OFFLINE) --editable '.[all]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.made pyproject.toml
	@echo "Installing Invis, what it needs and the test tools into $(VENV): a few minutes the first time"
	$(torch_first)
	@$(PIP) $(OFFLINE) --editable '.[all,dev]'
	@touch $(VENV)/.installed $@

$(VENV)/.installed-docs: $(VENV)/.installed
	@$(PIP) $(OFFLINE) --editable '.[docs]'
	@touch $@
