# make run    the whole system on this machine, with demo traffic
# make test   every test, on a clean machine
# make faults everything that may happen to a running system, at length; SEED=n repeats a run
# make test-compiled, make faults-compiled  the fast tests, those of the engine and the short fault suite; the
#             long one: on compiled modules
# make soak   MINUTES=n of steady traffic with faults mixed in
# make check  lint, types and the fast tests, in two minutes
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DATA   ?= .leadstream
SEED   ?= 20
MINUTES ?= 10
RESULTS ?= .faults

# Hundreds of processes import the same modules: they are compiled once, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test compiled test-compiled faults faults-compiled soak check lint fast integration lock schemas docs script vendored countries clean

run: $(VENV)/ready
	$(BIN)/leadstream up --demo --data $(DATA)

# Side by side, because tests with servers often wait, as does what is fetched for them: all run to their end,
# and each then shows what it said. (Make 3 has no --output-sync: there the lines mix.)
TOGETHER := --no-print-directory --jobs $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

test: $(VENV)/dev-ready
	$(MAKE) $(TOGETHER) lint fast integration

check: $(VENV)/dev-ready
	$(MAKE) $(TOGETHER) lint fast

lint: $(VENV)/dev-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	nice $(BIN)/mypy

# What needs no servers, at a lower priority than what does.
fast: $(VENV)/dev-ready $(VENV)/npm-ready
	nice $(BIN)/pytest -m "not integration" --numprocesses=2

# In processes that each have servers of their own: most of the time, a test waits for servers (tests/sharing_out.py).
integration: $(VENV)/dev-ready $(VENV)/npm-ready $(VENV)/sdks-ready $(VENV)/chromium-ready $(VENV)/tools-ready
	$(BIN)/pytest -m "integration and not faults" --numprocesses=3 --dist=loadfile --no-loadscope-reorder --durations=40

# From a wheel, in an environment and a copy of the tree of their own, made anew each time. For the rest,
# tests/compiled holds results together.
COMPILED := $(VENV)/compiled
ON_COMPILED := cd $(COMPILED)/tree && ../bin/python -m pytest -p tests.compiled.only
compiled: $(VENV)/dev-ready $(VENV)/npm-ready
	rm -rf $(COMPILED)
	$(BIN)/python -m tests.compiled.building $(COMPILED)
	$(PYTHON) -m venv --without-pip $(COMPILED)
	@$(BIN)/python deploy/install.py requirements-dev.lock --python $(COMPILED)/bin/python
	$(BIN)/pip --quiet --python $(COMPILED)/bin/python install --no-deps $(COMPILED)/wheel/*.whl

test-compiled: compiled
	$(ON_COMPILED) -m "not integration" --numprocesses=2
	$(ON_COMPILED) -m "integration and not faults" tests/engine tests/faults tests/integration/test_upgrade.py

faults faults-compiled: export FAULTS_SEED = $(SEED)
faults: export FAULTS_RESULTS := $(abspath $(RESULTS))
faults-compiled: export FAULTS_RESULTS := $(abspath $(RESULTS)/compiled)
faults: $(VENV)/dev-ready
	$(BIN)/pytest tests/faults -m integration

faults-compiled: compiled
	$(ON_COMPILED) tests/faults -m integration

soak: $(VENV)/dev-ready
	$(BIN)/python -m tests.faults.soak --minutes $(MINUTES) --seed $(SEED)

# The JSON Schema files under schemas/json, generated from the event types.
schemas: $(VENV)/ready
	$(BIN)/python -m schemas.json_schema

# The pages that are made from the code.
docs: $(VENV)/ready
	$(BIN)/python -m processors.observability.page > docs/metrics.md

# The script that pages load, from its source (processors/gateway/script/src).
script: $(VENV)/npm-ready
	npm run --silent build --prefix processors/gateway/script

# What the dashboard serves of others, from the packages that are pinned (processors/gateway/dashboard/vendored).
vendored: $(VENV)/npm-ready
	$(BIN)/python -m tests.gateway.dashboard.vendoring

# The newest file of the countries of all addresses (docs/redirects.md).
countries: $(VENV)/ready
	$(BIN)/python -m processors.visitors.country_file.refresh

# Resolve anew; the lock files hold hashes and no index address. What the image installs (requirements.lock)
# and what `make run` adds to it (-local) are the very versions that are tested (-dev).
LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header \
	--no-emit-index-url --python-version 3.11 pyproject.toml
lock: $(VENV)/dev-ready
	$(LOCK) --extra local --group dev -o requirements-dev.lock
	$(LOCK) --extra local --constraints requirements-dev.lock -o requirements-local.lock
	$(LOCK) --constraints requirements-dev.lock -o requirements.lock
	echo uv | $(LOCK:pyproject.toml=-) --upgrade -o requirements-uv.lock

$(VENV)/ready: requirements-local.lock pyproject.toml
	@echo "making $(VENV), with everything that is needed: 1.1 GB, once"
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python deploy/install.py requirements-local.lock --editable .
	@touch $@

$(VENV)/dev-ready: $(VENV)/ready requirements-dev.lock
	@$(BIN)/python deploy/install.py requirements-dev.lock
	touch $@

SDKS := tests/clients/sdks
NPM_DIRS := processors/gateway/script processors/gateway/dashboard/vendored tests/browser $(SDKS)/node-0.66.2 $(SDKS)/node-0.73.5 $(SDKS)/node-pages
$(VENV)/npm-ready: $(VENV)/dev-ready $(NPM_DIRS:%=%/package-lock.json)
	@command -v npm >/dev/null || { echo "npm is missing: apt-get install nodejs npm" >&2; exit 1; }
	for one in $(NPM_DIRS); do npm ci --silent --prefix $$one || exit 1; done
	touch $@

# Each release of an SDK in Python has an environment of its own: they come with other versions of our libraries.
# So have the clients that docs/ shows, which come without our libraries.
PYTHON_SDKS := python-0.29.0 python-0.39.0 python-pages
$(VENV)/sdks-ready: $(PYTHON_SDKS:%=$(VENV)/%/ready)
	touch $@

$(VENV)/python-%/ready: $(SDKS)/python-%/requirements.lock $(VENV)/dev-ready
	$(PYTHON) -m venv --clear --without-pip $(VENV)/python-$*
	@$(BIN)/python deploy/install.py $< --python $(VENV)/python-$*/bin/python
	touch $@

$(VENV)/chromium-ready: $(VENV)/dev-ready
	tests/browser/get-chromium
	touch $@

$(VENV)/tools-ready: $(VENV)/dev-ready tests/docs/get-tools
	tests/docs/get-tools
	touch $@

clean:
	rm -rf $(VENV) $(DATA) $(NPM_DIRS:%=%/node_modules) dist build .mypy_cache .pytest_cache .ruff_cache
