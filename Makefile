# make run    the whole system on this machine, with demo traffic
# make test   every test, on a clean machine
# make faults everything that may happen to a running system, at length; SEED=n repeats a run
# make soak   MINUTES=n of steady traffic with faults mixed in
# make check  lint, types and the fast tests, in two minutes
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DATA   ?= .leadstream
SEED   ?= 20
MINUTES ?= 10
RESULTS ?= .faults

.PHONY: run test faults soak check lock schemas docs clean

run: $(VENV)/ready
	$(BIN)/leadstream up --demo --data $(DATA)

test: $(VENV)/dev-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest

faults: $(VENV)/dev-ready
	FAULTS_SEED=$(SEED) FAULTS_RESULTS=$(RESULTS) $(BIN)/pytest tests/faults -m integration

soak: $(VENV)/dev-ready
	$(BIN)/python -m tests.faults.soak --minutes $(MINUTES) --seed $(SEED)

check: $(VENV)/dev-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q -m "not integration"

# The JSON Schema files under schemas/json, generated from the event types.
schemas: $(VENV)/ready
	$(BIN)/python -m schemas.json_schema

# The pages that are made from the code.
docs: $(VENV)/ready
	$(BIN)/python -m processors.observability.page > docs/metrics.md

# Resolve anew; the lock files hold hashes and no index address.
lock: $(VENV)/dev-ready
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-index-url \
		--python-version 3.11 pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-index-url \
		--python-version 3.11 pyproject.toml --group dev -o requirements-dev.lock

$(VENV)/ready: requirements.lock pyproject.toml
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

$(VENV)/dev-ready: $(VENV)/ready requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

clean:
	rm -rf $(VENV) $(DATA) dist build .mypy_cache .pytest_cache .ruff_cache
