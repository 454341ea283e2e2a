# make demo    the whole system on this machine, with a demo study; Ctrl-C stops it
# make help    everything else

PYTHON    ?= python3.11
INFERENCE ?= torchserve
ONCE      ?=
PORT      ?= 8000

VENV      := .venv
PY        := $(VENV)/bin/python
NPM       := $(PY) -m deploy.embedded.node --prefix frontend
INSTALLED := $(VENV)/.installed
MODULES   := frontend/node_modules/.installed
FRONTEND  := frontend/dist/manifest.json
MESSAGES  := $(patsubst %.po,%.mo,$(wildcard jsnsite/locale/*/LC_MESSAGES/*.po))
SOURCES   := $(shell find frontend/src -type f 2>/dev/null) frontend/vite.config.ts frontend/tsconfig.json

export PYTHONPATH := $(CURDIR)

.PHONY: help setup demo test check benchmark models messages lock browser java
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

setup: $(INSTALLED) $(MESSAGES) $(FRONTEND) ## build the environment and the pages

demo: setup $(if $(filter torchserve,$(INFERENCE)),java) ## the system with a demo study; INFERENCE=in-process, ONCE=1, PORT=8000
	@exec $(PY) -m deploy.embedded --inference $(INFERENCE) --port $(PORT) --die-with-parent $(if $(ONCE),--once)

test: check browser java ## everything that must hold before a change lands
	$(PY) -m pytest

check: setup ## style, types, arrows between the rooms, migrations
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy .
	$(VENV)/bin/lint-imports
	$(NPM) --silent run check
	$(PY) manage.py makemigrations --check --dry-run

benchmark: $(INSTALLED) ## accuracy and speed beside peers; FULL=1 writes RESULTS.md, ONLY=section
	$(if $(FULL),JSN_BENCHMARK_FULL=1 )$(PY) -m pytest tests/benchmarks -s -q -W ignore $(if $(ONLY),-k $(ONLY))

models: $(INSTALLED) ## build TorchServe's archives from the models' weights
	$(PY) -m model_store.serving.archive

messages: $(INSTALLED) ## translations: bring the .po files up to what the sources say
	$(PY) -m deploy.setup.messages refresh

lock: $(INSTALLED) ## requirements.lock from pyproject.toml; UPGRADE=1 takes newer versions
	$(PY) -m deploy.setup.lock $(if $(UPGRADE),--upgrade)

browser: $(INSTALLED)
	@$(PY) -m deploy.setup.chromium --install

java: $(INSTALLED)
	@$(PY) -m deploy.embedded.java --install >/dev/null

$(INSTALLED): requirements.lock deploy/setup/environment.sh
	@bash deploy/setup/environment.sh $(PYTHON) $(VENV) requirements.lock
	@touch $@

# compiled here and not committed, so that no translation can be older than its source
%.mo: %.po | $(INSTALLED)
	@$(PY) -m deploy.setup.messages compile

$(MODULES): frontend/package-lock.json frontend/package.json | $(INSTALLED)
	@echo "Installing what the pages are built with ..."
	@$(NPM) ci --silent --no-audit --no-fund
	@touch $@

$(FRONTEND): $(MODULES) $(SOURCES)
	@echo "Building the pages ..."
	@$(NPM) --silent run build -- --logLevel error
	@touch $@
