# rocmox: every target bootstraps what it needs from a fresh Debian 12/13 or Ubuntu 24.04.
# `make help` is the manual. Containers and bridges need root; with another user the targets that need it use sudo.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

SUDO := $(if $(filter 0,$(shell id -u)),,sudo --preserve-env=ROCMOX_CACHE,ROCMOX_LAB,PVE,CASES,SEED,ROCMOX_POWER_CUTS)
PYTHON ?= python3
BIN := .venv/bin
LAB_PACKAGES := src/rocmox_lab/data/apt-packages.txt
PVE ?= 8.4
CASES ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help:  ## show this list
	@echo "rocmox: a Proxmox VE host with AMD GPUs as a private LLM service"
	@echo
	@sed -nE 's/^([a-z-]+):.*## (.*)$$/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

lab: requirements  ## build the lab, run site.yml on it, ask the model a question, print the URLs
	@$(SUDO) $(BIN)/rocmox lab up
	@$(SUDO) $(BIN)/ansible-playbook -i inventory/lab site.yml
	@$(SUDO) $(BIN)/rocmox lab ask "Are you there?"

lab-down:  ## remove everything the lab made on this machine; caches stay
	@$(SUDO) $(BIN)/rocmox lab down

check: $(BIN)/.complete  ## the inner loop, under 90 s: lint, types, floors, unit tests, Ansible syntax
	@./tests/run check

test: requirements test-requirements  ## the proof: everything in `check`, then the lab, the browser, Molecule
	@$(SUDO) ./tests/run test

soak: requirements test-requirements  ## every long campaign in full (kills, faults, power cuts, upgrades)
	@$(SUDO) ./tests/run soak

contract: $(BIN)/.complete  ## replay recorded answers of a real PVE against the lab: PVE=8.4|9.2 CASES="FILE…"
	@$(SUDO) $(BIN)/python -m tests.contract.replay --pve $(PVE) $(CASES)

hip-matrix: $(BIN)/.complete test-requirements  ## the mmvq patch on every listed llama.cpp, compiled for gfx906 and gfx1100 and executed
	@$(BIN)/python -m tests.hip_matrix

lint: $(BIN)/.complete  ## ruff, mypy strict, import floors, yamllint, ansible-lint (production)
	@./tests/run lint

docs: $(BIN)/.complete  ## check that docs, role tables and translations agree with the code
	@$(BIN)/pytest -q tests/ansible tests/unit/docs

zipapp: $(BIN)/.complete  ## build/rocmox.pyz: the standard-library part, for the PVE host and guests
	@$(BIN)/python -m rocmox.zipapp_builder build/rocmox.pyz

lock: $(BIN)/.complete  ## refresh requirements.lock from pyproject.toml (needs uv)
	@uv pip compile --universal --python-version 3.11 --generate-hashes --all-extras --no-annotate --no-header -q pyproject.toml -o requirements.lock

clean:  ## remove .venv, build and test leftovers (never the lab: `make lab-down`)
	rm -rf .venv build artifacts .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .ansible src/*.egg-info

requirements: $(BIN)/.complete  ## install the apt packages and .venv that everything else needs
	@$(SUDO) ./tools/install-apt-packages $(LAB_PACKAGES)

test-requirements:
	@$(SUDO) ./tools/install-apt-packages tests/apt-packages.txt

# The virtual environment is complete when its stamp is newer than the lock file; an interrupted install starts over.
$(BIN)/.complete: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null && $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(SUDO) ./tools/install-apt-packages $(LAB_PACKAGES)
	@echo "rocmox: installing the Python environment from requirements.lock (about a minute)"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/pip install --quiet --quiet --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --quiet --no-deps --no-build-isolation -e .
	@install -m 755 tools/molecule $(BIN)/molecule
	@touch $@

.PHONY: help lab lab-down check test soak contract hip-matrix lint docs zipapp lock clean requirements test-requirements
