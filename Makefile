# Everything here runs in a virtual environment of its own, which is made when it is needed.

VENV ?= .venv
PYTHON = $(VENV)/bin/python
BASE := $(shell command -v python3.11 || command -v python3)

.PHONY: help demo test check docs clean

help:
	@echo 'make demo   synthesise recordings, align them, draw and check the result, in demo/'
	@echo 'make test   run the tests'
	@echo 'make check  lint, types, generated files, tests'
	@echo 'make docs   rewrite man/, completions/ and the table in README.md'
	@echo 'make clean  remove what these made'

# A Python without ensurepip (as Debian packages it) installs from outside.
$(PYTHON):
	$(BASE) -m venv $(VENV) || ( $(BASE) -m venv --clear --without-pip $(VENV) && \
		$(BASE) -m pip --python $(PYTHON) install --quiet pip )

$(VENV)/installed: $(PYTHON) pyproject.toml
	$(PYTHON) -m pip install --quiet --editable '.[dev]'
	@touch $@

demo: $(VENV)/installed
	$(PYTHON) -m mirtool.demo demo/

test: $(VENV)/installed
	$(PYTHON) -m pytest

check: $(VENV)/installed
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy
	$(PYTHON) -m mirtool.cli.manual --check
	$(PYTHON) -m pytest

docs: $(VENV)/installed
	$(PYTHON) -m mirtool.cli.manual

clean:
	rm -rf .venv demo build dist *.egg-info .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
