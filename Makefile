# Two commands do all: `make report` and `make test`. `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
export PATH := $(CURDIR)/$(BIN):$(PATH)
LOCK_FLAGS := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --quiet
LOCK ?= requirements.lock

.PHONY: help setup report site serve zensical test check lock

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: .venv/installed-$(LOCK) ## make .venv from the hashed lock

report: setup ## run the pipeline and build the site into site/
	dvc repro
	$(MAKE) site

site: setup
	mkdocs build --strict

serve: setup ## read the report at http://127.0.0.1:8000
	mkdocs serve

zensical: setup # the same site by MkDocs' successor: a trial that nothing depends on
	python src/site_files.py .cache/zensical
	cd .cache/zensical && zensical build --clean

test: setup ## run all tests, side by side
	pytest -n logical --maxprocesses 4 --dist loadfile

check: setup ## what CI checks besides the tests: code, typed-in numbers, every published number
	ruff check . && ruff format --check . && mypy && cnnreport lint
	cnnreport verify || test $$? = 3 # 3: something cannot be verified here, nothing is wrong

lock: setup ## renew all locks after a change of pyproject.toml
	uv pip compile pyproject.toml --group dev $(LOCK_FLAGS) --upgrade -o requirements.lock
	uv pip compile pyproject.toml --group dev --extra cuda $(LOCK_FLAGS) -c requirements.lock -o requirements-cuda.lock
	uv pip compile pyproject.toml --group dev --group remote --extra ray --extra s3 $(LOCK_FLAGS) -c requirements.lock -o requirements-cluster.lock

.venv/installed-$(LOCK): $(LOCK) requirements-uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v < (3, 14) else "error: wanted Python 3.11 to 3.13, came %d.%d; name one that is there: make PYTHON=python3.12" % v)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-uv.lock
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes $(LOCK)
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@rm -f .venv/installed-*; touch $@
