# make demo       set up, then the whole road on the built-in brain phantom (about ten minutes on two cores)
# make test       set up, then style, types, layers and fast tests
# make test-slow  tests that take minutes
# make lint       style, types and layers alone
# make forecast   which figures of a synthetic set go with the gain of adding it, on 39 sets (restartable)
#
# On a machine without an NVIDIA GPU, PIP_ARGS can point pip to PyTorch's CPU packages; see README.md.

SHELL := /bin/bash
VENV ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
PIP_ARGS ?=
DEMO_OUT ?= demo
DEMO_BUDGET ?= small
FORECAST_OUT ?= forecast
WORKERS ?= 2

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $(PIP_ARGS)

.PHONY: help demo test test-slow lint forecast clean

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -n 5

$(BIN)/python:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "segmint needs Python 3.11 or later; $(PYTHON) is older: make ... PYTHON=/path/to/python3.11" >&2; exit 2; }
	"$(PYTHON)" -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e .
	@touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e ".[test]"
	@touch $(VENV)/.installed $@

demo: $(VENV)/.installed
	$(BIN)/segmint demo --out "$(DEMO_OUT)" --budget "$(DEMO_BUDGET)" --resume
	@echo "Open $(DEMO_OUT)/report.html"

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# One thread a worker: two workers that each took all cores would fight for them.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(WORKERS) -m "not slow"

test-slow: $(VENV)/.installed-test
	OMP_NUM_THREADS=1 $(BIN)/pytest -m slow

forecast: $(VENV)/.installed
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/forecast.py --out "$(FORECAST_OUT)"

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
