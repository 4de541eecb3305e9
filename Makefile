# Everything a newcomer needs: `make run` and `make test`. Plain `make` lists the targets.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
# Images of containers often set it: then each of the hundreds of processes of a test run compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE

UV_VERSION := 0.13.8
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/.local-installed
DEV := $(BIN)/.dev-installed
FILE ?=
NAME ?=
OPERATION ?=
VARIABLES ?=
QUICK ?=
ONLY ?=
DO ?= status
SEED ?=
MINUTES ?=
ROOMS ?=
SECRET ?=
ANSWER ?=
PEERS := bench/graphql/peers
PEERS_INSTALLED := $(PEERS)/node_modules/.package-lock.json
LIVE_PEERS_INSTALLED := bench/live/peers/node_modules/.package-lock.json
AUDITS := tests/audits
AUDITS_INSTALLED := $(AUDITS)/node_modules/.package-lock.json
CLIENTS_INSTALLED := tests/clients/node_modules/.package-lock.json
RECEIVERS_INSTALLED := tests/receivers/node_modules/.package-lock.json
ZAPIER_INSTALLED := integrations/zapier/node_modules/.package-lock.json
GRAPHIQL := .cache/graphiql/graphiql.js
GRAPHIQL_SOURCES := $(addprefix web/graphiql/,package-lock.json page.mjs build.mjs)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(RUN) ## start everything on this machine (PORT=8000); Ctrl-C stops it
	@# By way of the launcher, so that it also ends when make is killed.
	@exec $(BIN)/python -I -S local/launch.py $$PPID 15 same . $(CURDIR)/$(BIN)/python -m local.run

graphiql: $(GRAPHIQL) ## make GraphiQL, for http://127.0.0.1:8000/graphql in a browser (needs Node and npm)

demo: $(RUN) ## upload FILE=clip.mp4 to the running product and follow it
	@$(if $(FILE),,echo "Say which file: make demo FILE=clip.mp4" >&2; exit 2;) $(BIN)/python -m local.demo "$(FILE)"

seed-large: $(RUN) ## fill the running product with a million comments, to measure it
	@$(BIN)/python -m local.seed_large

plan: $(RUN) ## show what the running product reads for OPERATION=file.graphql (NAME=, VARIABLES='{…}')
	@$(if $(OPERATION),,echo "Say which file: make plan OPERATION=web/operations/videos.graphql NAME=Video" >&2; exit 2;) \
		$(BIN)/python -m local.plan "$(OPERATION)" --name "$(NAME)" --variables '$(VARIABLES)'

maintenance: $(RUN) ## refuse changes in the running product: DO="on --message … --for 10m", or off, or status
	@$(BIN)/python -m local.maintain $(DO)

mail: $(RUN) ## show the newest e-mails of the local mailbox
	@$(BIN)/python -m local.mail

webhook-listen: $(RUN) ## show and verify webhooks sent to http://localhost:9000/ (PORT=, SECRET=whsec_…, ANSWER=500)
	@$(BIN)/python -m local.webhook_listen --port "$(or $(PORT),9000)" --secret "$(SECRET)" --answer "$(or $(ANSWER),204)"

mails: $(RUN) ## write every e-mail as a page to look at, into docs/mails/
	@$(BIN)/python -m workers.mails.previews

test: check $(AUDITS_INSTALLED) $(CLIENTS_INSTALLED) $(RECEIVERS_INSTALLED) $(ZAPIER_INSTALLED) ## check, then run all tests
	$(BIN)/python -m pytest -n 3 --dist worksteal

test-large: $(DEV) ## read and time every query's plan at a million rows (needs 3 GB of memory or disk)
	LARGE_SCALE=1 $(BIN)/python -m pytest tests/large/test_plans.py tests/large/timing.py -s

fuzz-plan: $(DEV) ## ask 20,000 drawn documents by plan and plainly (SEED= of a run repeats it)
	FUZZ_DOCUMENTS=20000 FUZZ_SEED="$(SEED)" $(BIN)/python -m pytest tests/fuzz --ignore tests/fuzz/api --ignore tests/fuzz/live -s

fuzz-live: $(DEV) ## play in 1,000 rooms over two API processes that are killed (ROOMS=, MINUTES=; SEED= repeats a run)
	FUZZ_ROOMS="$(or $(ROOMS),1000)" FUZZ_MINUTES="$(MINUTES)" FUZZ_SEED="$(SEED)" $(BIN)/python -m pytest tests/fuzz/live -s

fuzz-api: $(DEV) ## send the running API whatever can be sent, for MINUTES=5 (SEED= of a run repeats it)
	FUZZ_MINUTES="$(or $(MINUTES),5)" FUZZ_SEED="$(SEED)" $(BIN)/python -m pytest tests/fuzz/api -s

check: $(DEV) ## format, lint, types, import arrows, migration drift, generated files as written
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m models.migrate --check
	$(BIN)/python -m schema.export --check
	$(BIN)/python -m local.guide --check
	$(BIN)/python -m local.event_guide --check
	$(BIN)/python -m local.operations --check
	$(BIN)/python -m local.zapier --check
	$(BIN)/python -m i18n.checking

format: $(DEV) ## format the code and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schema: $(DEV) ## write schema.graphql, docs/permissions.md, and the tables of docs/errors.md and docs/events.md
	$(BIN)/python -m schema.export
	$(BIN)/python -m local.guide
	$(BIN)/python -m local.event_guide

messages: $(DEV) ## bring new English into the catalogs of every language, and say what is missing there
	@$(BIN)/python -m i18n.merging

languages: $(DEV) ## play a day of the product in every language, and write what is read into docs/languages.md
	@WRITE_LANGUAGES=1 $(BIN)/python -m pytest -q tests/play/test_languages.py

operations: $(DEV) ## write web/operations.json, the list of web/operations by their hashes
	$(BIN)/python -m local.operations

zapier: $(DEV) ## write what integrations/zapier knows of the product: its events, and the operations that it runs
	$(BIN)/python -m local.zapier

migration: $(DEV) ## write a migration NAME=add_comments for what the models have changed
	@$(if $(NAME),,echo "Say its name: make migration NAME=add_comments" >&2; exit 2;) $(BIN)/tortoise makemigrations --name "$(NAME)"

bench-graphql: $(RUN) $(PEERS_INSTALLED) ## measure the API beside SQL by hand and other GraphQL servers (QUICK=1)
	@QUICK=$(QUICK) $(BIN)/python -m bench.graphql

bench-live: $(RUN) $(LIVE_PEERS_INSTALLED) ## measure live updates beside graphql-ws and a bare broadcast (QUICK=1, ONLY="hot_room …")
	@QUICK=$(QUICK) $(BIN)/python -m bench.live $(ONLY)

bench-webhooks: $(RUN) ## measure how much one worker carries to webhooks, how soon, and beside hanging endpoints (QUICK=1, ONLY="'in time' …")
	@QUICK=$(QUICK) $(BIN)/python -m bench.webhooks $(ONLY)

# No addresses and no paths in the locks. The second and third agree with the first, which is their constraint; the
# versions of a lock that exists are kept: `make lock UPGRADE=--upgrade` moves them.
LOCK = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	--custom-compile-command "make lock" --python-version 3.11 $(UPGRADE)
lock: $(BIN)/uv ## make the three requirements locks anew (UPGRADE=--upgrade for newer versions)
	$(LOCK) pyproject.toml --extra local --group dev -o requirements-dev.lock
	$(LOCK) pyproject.toml --extra local -c requirements-dev.lock -o requirements-local.lock
	$(LOCK) pyproject.toml -c requirements-dev.lock -o requirements.lock

clean: ## remove .venv and caches; .data stays
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.data/*' -prune -exec rm -rf {} +

.PHONY: help run graphiql demo seed-large plan maintenance mail webhook-listen mails test test-large fuzz-plan fuzz-api fuzz-live check format schema
.PHONY: messages languages operations zapier migration lock clean
.PHONY: bench-graphql bench-live bench-webhooks

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv

$(BIN)/uv: | $(BIN)/python
	$(BIN)/python -m pip install --quiet uv==$(UV_VERSION)

$(RUN): requirements-local.lock | $(BIN)/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-local.lock
	@touch $@

# All that `make run` needs is among it.
$(DEV): requirements-dev.lock requirements-local.lock | $(BIN)/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@ $(RUN)

# Without Node there is nothing to install, and the benchmarks leave these contenders out.
$(PEERS_INSTALLED) $(LIVE_PEERS_INSTALLED): %/node_modules/.package-lock.json: %/package-lock.json
	@if command -v npm >/dev/null; then npm ci --prefix $* --loglevel=error && touch $@; \
	else echo "No Node on this machine: what is written for it is not installed."; fi

# Nor here: the tests say what they leave out, the public audits of GraphQL over HTTP, the clients or the receivers in TypeScript,
# or Zapier.
$(AUDITS_INSTALLED) $(CLIENTS_INSTALLED) $(RECEIVERS_INSTALLED) $(ZAPIER_INSTALLED): %/node_modules/.package-lock.json: %/package-lock.json
	@if command -v npm >/dev/null && npm ci --prefix $* --loglevel=error; then touch $@; \
	else echo "npm is not here, or cannot install: what needs the packages of $* is left out."; fi

$(GRAPHIQL): $(GRAPHIQL_SOURCES)
	@command -v npm >/dev/null || { echo "GraphiQL comes from npm, which is not on this machine." >&2; exit 1; }
	npm ci --prefix web/graphiql --loglevel=error
	@rm -rf $(dir $@)
	cd web/graphiql && node build.mjs $(CURDIR)/$(dir $@)
