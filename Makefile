# `make` shows what there is. Everything is made in .dev/, which `make clean` removes.
.DEFAULT_GOAL := help
.PHONY: help run test coverage bench chaos lint shell clean

PYTHON ?= python3
SETUP := $(PYTHON) -Es -m scripts.setup
SCRIPT := .dev/venv/bin/python -Es -m scripts

help: ## Show this text
	@echo "Each command sets up what it needs by itself; the first time takes some minutes."
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile
	@echo
	@echo "  PYTHON=python3.12      the Python to use (3.11 to 3.13)"
	@echo "  ODOO_HOME=/path        an Odoo 19.0 that is there, instead of fetching one"
	@echo "  PGHOST=... PGUSER=...  a PostgreSQL that is there, instead of a private one"

run: ## Import a shop into an ERP by jobs, and serve both until Ctrl-C (ONCE=1: stop after the summary)
	@$(SETUP) run
	@$(SCRIPT).run $(ARGS)

test: ## Run all tests, or some: make test ARGS="test_event.py -k name", or those without a database: make test ARGS=pure
	@$(SETUP) test
	@$(SCRIPT).test $(ARGS)

coverage: ## Run the tests like `make test`, and show which lines none of them runs
	@$(SETUP) test
	@$(SCRIPT).coverage $(ARGS)

bench: ## Measure us and other job queues side by side: make bench ARGS="--only drain_noop --runs 1 --jobs 500"
	@$(SETUP) run
	@$(SCRIPT:scripts=benchmarks) $(ARGS)

chaos: ## Attack workers and PostgreSQL while jobs run, and count what was done: make chaos ARGS="--jobs 10000 --seed 7"
	@$(SETUP) run
	@$(SCRIPT:scripts=chaos) $(ARGS)

lint: ## Check the style, what imports what, and types: ruff, import-linter, mypy, pylint-odoo
	@$(SETUP) lint
	@$(SCRIPT).lint

shell: ## Open an Odoo shell on the database that `make run` made
	@$(SETUP) run
	@$(SCRIPT).shell

clean: ## Remove .dev and the private PostgreSQL (databases on a server of your own stay)
	@$(PYTHON) -Es -m scripts.clean
