# One command each; every target sets up what it needs. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
WORKERS ?= 2

.DEFAULT_GOAL := list
.PHONY: list setup run test check format docs bench lock

list: ## list the commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' Makefile

setup: $(STAMP) ## make .venv from the locked requirements (skipped when up to date)

$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python 3.11 or newer is needed: make setup PYTHON=/path/to/python3.12' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

run: setup ## serve on 127.0.0.1:8000, state in ./data
	$(BIN)/darkroom serve

test: setup ## every test, linters and types included
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

check: setup ## lint, types, layers and the fast tests, under a minute
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup -m 'not slow' tests/test_tidy.py tests/test_docs.py tests/test_settings.py tests/wire

format: setup ## let ruff rewrite what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: setup ## write what the documentation takes from the code
	$(BIN)/python -m tests.docs

bench: setup ## measure against nginx; results in benchmarks/RESULTS.md
	$(BIN)/python benchmarks/run.py

lock: ## renew requirements/*.txt (needs uv)
	uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		requirements/base.in -o requirements/base.txt
	uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		requirements/dev.in -o requirements/dev.txt
