# The commands of this repository. Only Python >= 3.11 and make are needed beforehand.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOME_FOLDER ?= data
export SETTLEMENT_HOME ?= $(HOME_FOLDER)

.PHONY: run test test-slow ui lint bench lock clean

$(VENV)/.installed-run: requirements/run.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-deps --require-hashes -r requirements/run.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q -j 2 settlement
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed-run requirements/dev.txt
	$(BIN)/pip install --quiet --no-deps --require-hashes -r requirements/dev.txt
	touch $@

# Settle the months that lie in data/raw; where there are none, write the sample for 2023-09 and 2023-10 first.
run: $(VENV)/.installed-run
	@if ! ls -d $(SETTLEMENT_HOME)/raw/????-?? >/dev/null 2>&1; then \
		$(BIN)/settlement sample --month 2023-09 --months 2; fi
	@$(BIN)/settlement run

# What everybody runs before pushing: minutes. `test-slow` is the rest: whole years, LibreOffice, the browser; CI runs both.
test: $(VENV)/.installed-dev
	$(BIN)/pytest -n 2 --dist loadscope --no-loadscope-reorder -m "not slow"

test-slow: $(VENV)/.installed-dev
	$(BIN)/pytest -n 2 --dist loadscope --no-loadscope-reorder -m slow

ui: $(VENV)/.installed-run
	$(BIN)/settlement ui

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check settlement tests bench
	$(BIN)/ruff format --check settlement tests bench

$(VENV)/bench/.installed: requirements/bench.txt
	$(PYTHON) -m venv $(VENV)/bench
	$(VENV)/bench/bin/pip install --quiet --no-deps --require-hashes -r requirements/bench.txt
	touch $@

bench: $(VENV)/.installed-dev $(VENV)/bench/.installed
	$(BIN)/python -m bench

# Lock the ranges of requirements/*.in with hashes. No registry host is written into the locked files.
lock: $(VENV)/.installed-run
	$(BIN)/pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-trusted-host --no-emit-find-links -o requirements/run.txt requirements/run.in
	$(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-trusted-host --no-emit-find-links -o requirements/dev.txt requirements/dev.in
	$(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-trusted-host --no-emit-find-links -o requirements/bench.txt requirements/bench.in

clean:
	rm -rf $(VENV) build *.egg-info
