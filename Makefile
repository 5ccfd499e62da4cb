# Everything runs in .venv, made on first use and again when pyproject.toml changes. PYTHON picks the interpreter.
VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
DEMO := kws/selftest/calls.flac

.PHONY: help demo test lint verify bench clean

help:
	@echo "make demo    install, then hear the wake words in a bundled recording"
	@echo "make test    install everything the tests need, then lint and run all tests"
	@echo "make lint    ruff and mypy alone"
	@echo "make verify  the long proofs; results go to docs/verification/"
	@echo "make bench   cost and accuracy beside other engines, to docs/benchmarks.md"
	@echo "make clean   remove the environment and all caches"

demo: $(VENV)/installed
	$(BIN)/kws run $(DEMO) --model computer --model jarvis --model alexa

# The packages come first: pip needs the compiler among them.
test:
	@scripts/install-test-packages.sh $(PYTHON)
	@$(MAKE) --no-print-directory lint
	@$(BIN)/python -m pytest

lint: $(VENV)/installed-for-tests
	@$(BIN)/ruff check .
	@$(BIN)/mypy

verify: $(VENV)/installed-for-tests
	@scripts/verify.sh $(BIN)/python

bench: $(VENV)/installed-for-tests
	@$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache build *.egg-info

$(VENV)/bin/python:
	@scripts/make-venv.sh $(PYTHON) $(VENV)

$(VENV)/installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/installed-for-tests: pyproject.toml | $(VENV)/bin/python
	@scripts/check-compiler.sh $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[train,daemon,speech,encoder,dev]'
	@touch $@ $(VENV)/installed
