# Tocsin. `make` or `make help` shows what there is. Needs Python >= 3.11 and make; `rehearsal` and `live` need Java 17 and Maven too.
# Anything after ARGS= is passed on: make test ARGS="-k outbox -x". PORT and TOCSIN_VAR are read by `run`, `rehearsal` and `demo`.
# `test` runs on every core, at most eight, a file never on two; in one process: make test ARGS="-n 0 -k outbox --pdb".

SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
ARGS ?=
WORKERS ?= logical
# What one process has compiled the next need not: hundreds are started.
unexport PYTHONDONTWRITEBYTECODE

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) deploy/install.py $(VENV)

##@ Use it
.PHONY: run demo rehearsal
run: $(INSTALLED) ## Start everything on one port (PORT, default 8000; data under TOCSIN_VAR, default var/)
	@exec $(BIN)/tocsin run $(ARGS)

demo: $(INSTALLED) ## Replay one serious case against the running instance and print what happened
	@$(BIN)/tocsin demo $(ARGS)

rehearsal: $(INSTALLED) ## Like run, in the shape of production: a process per service, Apache Kafka, PostgreSQL (needs Java 17, Maven once)
	@exec $(BIN)/python -m deploy.dev.rehearsal $(ARGS)

##@ Prove it
.PHONY: check test live chaos bench compose
check: $(INSTALLED) ## Lint, format, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

test: $(INSTALLED) ## Everything that needs nothing but Python, PostgreSQL included
	$(BIN)/python -m pytest -m "not live and not chaos" -n $(WORKERS) --maxprocesses 8 --dist loadfile --no-loadscope-reorder $(ARGS)

live: $(INSTALLED) ## The same against a real Apache Kafka and a real Keycloak, the pages in a browser, every PDF in veraPDF
	$(BIN)/python -m deploy.dev.kafka fetch
	$(BIN)/python -m deploy.dev.keycloak fetch
	$(BIN)/python -m deploy.dev.verapdf fetch
	$(BIN)/python -m pytest -m live --ignore tests/browser $(ARGS)
	$(BIN)/python -m pytest -m live tests/browser $(ARGS) # the browser's driver keeps an event loop running: a process of its own

chaos: $(INSTALLED) ## Kill, stop and restart everything at its worst moment; the checker counts what was lost (ARGS="--kills 150 --seed 1")
	$(BIN)/python -m deploy.dev.kafka fetch
	$(BIN)/python -m tests.chaos $(ARGS)

bench: $(INSTALLED) ## Our rates beside the bare database's and a naive design's, in one run
	$(BIN)/python -m bench $(ARGS)

compose: ## Is docker-compose.yml one that docker-compose takes? (made-up secrets)
	deploy/check-compose

##@ Keep it
.PHONY: install lock format docs screenshots kafka keycloak help
install: $(INSTALLED) ## Only install into .venv

lock: ## Renew both lock files from pyproject.toml (needs uv); versions stay unless ARGS="--upgrade"
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-header -q -o requirements.lock $(ARGS)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header -q -c requirements.lock -o deploy/requirements-image.lock $(ARGS)

format: $(INSTALLED) ## Rewrite the code the way `check` wants it
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

docs: $(INSTALLED) ## Make the tables of the documentation anew from the code
	$(BIN)/python -m docs.tables

screenshots: $(INSTALLED) ## Take the README's pictures from an instance of their own (needs Chromium)
	$(BIN)/python -m docs.screenshots $(ARGS)

kafka: $(INSTALLED) ## Fetch Kafka's jars and run one broker until Ctrl-C (for TOCSIN_TEST_KAFKA)
	$(BIN)/python -m deploy.dev.kafka start $(ARGS)

keycloak: $(INSTALLED) ## Fetch Keycloak and run one with our realm until Ctrl-C; prints the settings for Tocsin
	$(BIN)/python -m deploy.dev.keycloak start $(ARGS)

help: ## This
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n\033[1m%s\033[0m\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  \033[36m%-11s\033[0m %s\n", $$1, $$2}' Makefile
