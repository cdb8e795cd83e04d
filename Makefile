# Two commands matter: `make demo` runs the whole portal on this machine, `make test` proves it. `make help` lists the rest.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-print-directory

PORT ?= 8000
PYTEST_WORKERS ?= 2

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# The checkout's place counts too: a virtual environment that was moved does not work.
demo_lock := $(shell { echo "$(CURDIR)"; cat requirements.txt pyproject.toml; } | cksum | tr ' ' '-')
dev_lock := $(shell { echo "$(CURDIR)"; cat requirements-dev.txt pyproject.toml; } | cksum | tr ' ' '-')
demo_stamp := $(VENV)/.stamp-demo-$(demo_lock)
dev_stamp := $(VENV)/.stamp-dev-$(dev_lock)

.PHONY: help demo demo-pair demo-reset test check bench-contract bench-depot simulate-signals bench-recall assets catalogues lock translations screenshots install install-dev

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

demo: install assets catalogues ## Run the whole portal with a believable region (PORT=8000), until Ctrl-C
	@exec $(BIN)/portal demo --follow-parent --port $(PORT)

demo-pair: install assets catalogues ## Run two installations: our pages in front of another's prescriptions and depot
	@exec $(BIN)/portal demo-pair --follow-parent --port $(PORT)

demo-reset: install ## Remove the demos' data; the next demo begins from nothing
	@$(BIN)/portal demo-reset

test: install-dev assets catalogues ## Run every test (ARGS="tests/unit -k limits" for some of them)
ifdef ARGS
	@$(BIN)/python -m pytest $(ARGS)
else
	@# What kills processes and times starts gets the machine to itself.
	@$(BIN)/python -m pytest -m chaos
	@$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadfile -m "not chaos"
endif

check: install-dev ## Format, lint, types, import contracts, translations
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/portal translations check

bench-depot: install-dev assets catalogues ## Measure planning a wave of 10,000 rows, and the hand-held's pages
	@$(BIN)/python -m benchmarks.depot

simulate-signals: install-dev ## Measure how soon bad lots are flagged, and how often ordinary ones are
	@$(BIN)/python -m benchmarks.simulate_signals

bench-recall: install-dev ## Find everybody who has something of a recall, among 1.2 million shipped units
	@$(BIN)/python -m benchmarks.recall

bench-contract: install-dev assets catalogues ## Measure the national contract's services at region size
	@$(BIN)/python -m benchmarks.contract

assets: install ## Build what browsers fetch
	@$(BIN)/portal assets

catalogues: install
	@$(BIN)/portal translations compile

translations: install-dev ## Add new sentences to the catalogues, drop unused ones
	@$(BIN)/portal translations update

screenshots: install-dev assets catalogues ## Take the pictures of the README
	@$(BIN)/python -m tests.browser.screenshots

lock: install-dev ## Compile requirements*.txt anew from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --extra dev --constraint requirements.txt pyproject.toml -o requirements-dev.txt

install: ; @test -e $(demo_stamp) -o -e $(dev_stamp) || $(MAKE) $(demo_stamp)

install-dev: ; @test -e $(dev_stamp) || $(MAKE) $(dev_stamp)

$(demo_stamp) $(dev_stamp):
	@$(MAKE) virtual-environment
	@echo "Installing Python packages (a minute or two the first time) …"
	@$(PIP) install -qq --require-hashes -r requirements$(if $(findstring stamp-dev,$@),-dev).txt
	@$(PIP) install -qq --no-deps --no-build-isolation -e .
	@rm -f $(VENV)/.stamp-*
	@touch $@

# Python 3.11 to 3.13 that can make virtual environments; an environment that no longer runs (moved, Python gone) is made anew.
.PHONY: virtual-environment
virtual-environment:
	@if test -e $(VENV)/.place && test "$$(cat $(VENV)/.place)" = "$(CURDIR)" && $(BIN)/python -c "" 2>/dev/null; then exit 0; fi; \
	fits='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'; \
	found=; \
	for candidate in $(PYTHON) python3 python3.13 python3.12 python3.11 /usr/bin/python3; do \
		if "$$candidate" -c "$$fits" 2>/dev/null; then \
			found=$${found:-$$candidate}; \
			if "$$candidate" -c "import ensurepip, venv" 2>/dev/null; then \
				echo "Making a virtual environment with $$("$$candidate" --version) …"; \
				rm -rf $(VENV) && "$$candidate" -m venv $(VENV) && echo "$(CURDIR)" > $(VENV)/.place; \
				exit; \
			fi; \
		fi; \
	done; \
	if test -n "$$found"; then \
		echo "$$found cannot make virtual environments. On Debian or Ubuntu: apt install python3-venv" >&2; \
	else \
		echo "Python 3.11, 3.12 or 3.13 is needed and was not found; make PYTHON=/path/to/python3 $(MAKECMDGOALS)" >&2; \
	fi; \
	exit 1
