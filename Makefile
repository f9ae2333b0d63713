# What there is to do with this project; `make` alone lists it.

# Everything a run writes is under BACKOFFICE_DATA; only the packages are in .venv.
BACKOFFICE_DATA ?= $(CURDIR)/.data
DATA := $(if $(filter /%,$(BACKOFFICE_DATA)),$(BACKOFFICE_DATA),$(CURDIR)/$(BACKOFFICE_DATA))
override BACKOFFICE_DATA := $(DATA)
CACHE := $(DATA)/cache

export BACKOFFICE_DATA
export PYTHONDONTWRITEBYTECODE := 1
export RUFF_CACHE_DIR := $(CACHE)/ruff
export MYPY_CACHE_DIR := $(CACHE)/mypy
export HYPOTHESIS_STORAGE_DIRECTORY := $(CACHE)/hypothesis
export PYTEST_DEBUG_TEMPROOT := $(CACHE)/pytest-files

PORT ?= 8000
ARGS ?=
NAME ?=
UV ?= $(firstword $(wildcard .venv/bin/uv) uv)
PY := .venv/bin/python
STAMP := .venv/.complete

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-reset test screenshots check bench lock

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 22

setup: $(STAMP) ## make .venv and install the pinned packages

# A Python is good if it has the right version and can make a virtual environment. While the packages are being
# installed, .venv/.incomplete is there: an interrupted installation may look whole to pip, so it starts afresh.
$(STAMP): requirements.txt requirements-dev.txt
	@good='import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'; \
	if [ -e .venv/.incomplete ] || ! .venv/bin/python -c "$$good" 2>/dev/null || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then \
		for python in $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python); do \
			"$$python" -c "$$good" >/dev/null 2>&1 && break; python=; \
		done; \
		if [ -z "$$python" ]; then \
			echo 'This needs Python 3.11, 3.12 or 3.13 with its venv module: install one, or name it with make PYTHON=/path/to/python3.12.' >&2; exit 2; \
		fi; \
		"$$python" -m venv --clear .venv || exit; \
	fi; \
	touch .venv/.incomplete && \
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-cache-dir -r requirements.txt -r requirements-dev.txt && \
	rm .venv/.incomplete && touch $@

# exec, so that make's signals reach the program and not a shell that would leave it alone.
demo: $(STAMP) ## serve the console with demo data until Ctrl-C (PORT=8000)
	@exec $(PY) manage.py demo --port $(PORT)

demo-reset: $(STAMP) ## remove the demo's data
	@exec $(PY) manage.py demo --reset

# A run starts many processes: what one of them compiles serves all, and the next run.
test: $(STAMP) ## run the tests (ARGS="-k name")
	@mkdir -p "$(PYTEST_DEBUG_TEMPROOT)"
	@export PYTHONDONTWRITEBYTECODE= PYTHONPYCACHEPREFIX="$(CACHE)/compiled"; \
	exec $(PY) -m pytest -n $$($(PY) -c 'import os; print(1 + (os.cpu_count() or 1))') -o cache_dir="$(CACHE)/pytest" $(ARGS)

screenshots: $(STAMP) ## take the pictures of docs/images anew, with Chromium
	@BACKOFFICE_SCREENSHOTS=docs/images $(MAKE) test ARGS=tests/browser/test_days.py

# The deployment check takes the settings of production, with a key of the moment and addresses that are not called.
check: $(STAMP) ## check style, types, imports, templates, migrations, the settings for production and the packages
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy .
	.venv/bin/lint-imports --cache-dir "$(CACHE)/imports"
	git ls-files -z -- '*.html' | xargs -0 -r .venv/bin/djade --check --target-version 5.2
	$(PY) manage.py makemigrations --check --dry-run
	@set -f; export $$($(PY) -c 'import os, pathlib; from backoffice.embedded import urls; print(*("=".join(pair) for pair in urls(pathlib.Path(os.environ["BACKOFFICE_DATA"])).items()))') && \
	export SECRET_KEY="$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(64))')" && \
	BACKOFFICE_MODE=production ALLOWED_HOSTS=console.example.com WEBAUTHN_RP_ID=console.example.com $(PY) manage.py check --deploy --fail-level WARNING
	$(PY) .ci/audit.py "$(CACHE)/pip-audit"

# The packages that capture and the console are compared with are installed for this alone.
bench: $(STAMP) ## measure (NAME=posting ARGS="--only batch")
	@$(if $(filter-out posting,$(or $(NAME),all)),$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt -c requirements.txt)
	@exec $(PY) -m bench $(NAME) $(ARGS)

lock: ## pin the packages of pyproject.toml in the requirements files
	@command -v $(UV) >/dev/null || { echo 'Pinning needs uv: install it with .venv/bin/python -m pip install uv.' >&2; exit 2; }
	$(UV) pip compile --quiet --universal --python-version 3.11 --custom-compile-command 'make lock' --output-file requirements.txt pyproject.toml
	$(UV) pip compile --quiet --universal --python-version 3.11 --custom-compile-command 'make lock' --constraint requirements.txt --group dev --output-file requirements-dev.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --custom-compile-command 'make lock' --constraint requirements.txt --group bench --output-file requirements-bench.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --custom-compile-command 'make lock' --constraint requirements.txt --group peers --output-file bench/requirements-peers.txt
