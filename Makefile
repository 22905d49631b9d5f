# Needs Python 3.11 or newer, make and git. Everything else is put into .venv by `make setup`.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev browser postgresql run test check format clean

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check
DEVELOPING := requirements.txt requirements-postgresql.txt requirements-sign-in.txt requirements-dev.txt

# The first interpreter that really starts and is new enough; `make setup PYTHON=/path/to/python` decides otherwise.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python3.14 python; do \
  "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo "$$name"; break; }; done)

help:
	@echo 'make run     set up .venv when needed, then open the app in the browser'
	@echo 'make test    set up, find or install a browser and PostgreSQL, run every test'
	@echo 'make check   format, lint, types and import rules: seconds, no training'
	@echo 'make setup   only make .venv and install what the app needs'
	@echo 'make format  rewrite the code in the project style'
	@echo 'make clean   remove .venv and caches (never the data folder)'

$(BIN)/python:
	@if [ -z '$(PYTHON)' ]; then \
	  echo 'Refocus needs Python 3.11 or newer and found none.' >&2; \
	  echo 'Install one from python.org or your system, or say where it is: make $(MAKECMDGOALS) PYTHON=/path/to/python3' >&2; \
	  exit 1; fi
	@'$(PYTHON)' -c 'import sys; sys.exit(f"Refocus needs Python 3.11 or newer, got {sys.version}" if sys.version_info < (3, 11) else 0)'
	@echo 'Making $(VENV) with $(PYTHON) …'
	@rm -rf $(VENV); '$(PYTHON)' -m venv $(VENV) || { rm -rf $(VENV); \
	  echo 'Could not make a virtual environment (on Debian and Ubuntu: apt install python3-venv).' >&2; exit 1; }

# The stamps are copies of what was installed: pip runs when the text changed, not when a checkout touched the file.
setup: $(BIN)/python
	@if ! cmp -s requirements.txt $(VENV)/requirements.installed; then \
	  echo 'Installing what the app needs; the first time this is several GB and takes minutes …'; \
	  $(PIP) -r requirements.txt && \
	  cp requirements.txt $(VENV)/requirements.installed; fi

setup-dev: setup
	@if ! cmp -s <(cat $(DEVELOPING)) $(VENV)/requirements-dev.installed; then \
	  $(PIP) $(addprefix -r ,$(DEVELOPING)) && \
	  cat $(DEVELOPING) > $(VENV)/requirements-dev.installed; fi

browser: setup-dev
	@$(BIN)/python -m tests.browser

postgresql: setup-dev
	@$(BIN)/python -m tests.postgresql

run: setup
	@$(BIN)/streamlit run app/main.py

# Files are divided among one process more than there are cores, four at most, the longest first
# (tests/conftest.py). One thread each: a server, a trainer, a browser and the tests share the cores, and threads
# that spin for work slow all of them down many times over. Bytecode is kept, whatever the environment says: tests
# start a hundred processes, and each would compile the program again.
test: setup-dev browser postgresql
	@$(BIN)/python -m compileall -q app db gain_core
	@PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder --durations 25

check: setup-dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest tests/test_architecture.py

format: setup-dev
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache build refocus.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
