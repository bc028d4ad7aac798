# relscale: two commands do everything.  make reproduce | make test
# EXPERIMENT=name takes experiments/name.yaml; CORES, GPUS and MEM_MB say what this machine may use; DOWNLOADS is a folder of packages.

SHELL := /bin/bash
PYTHON ?= python3
EXPERIMENT ?= default
CORES ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu)
GPUS ?= 1
MEM_MB ?= 4000
DOWNLOADS ?=
LICENCE ?=
TORCH ?= torch==2.13.0

VENV := .venv
BIN := $(VENV)/bin
PACKAGES := $(VENV)/.packages
STAMP := $(VENV)/.installed
HARNESS := $(VENV)/.harness
NAME := $(if $(filter-out default,$(EXPERIMENT)),$(shell sed -n "s/^experiment: *//p" experiments/$(EXPERIMENT).yaml),default)
RESULTS := results/$(NAME)
OVERLAYS := $(if $(filter-out default,$(EXPERIMENT)),experiments/$(EXPERIMENT).yaml)
OVERLAY := $(if $(OVERLAYS),--configfile $(OVERLAYS))
# Tools that call other tools (snakefmt calls shfmt) find them in the environment.
export PATH := $(CURDIR)/$(BIN):$(PATH)
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES) --resources gpu=$(GPUS) mem_mb=$(MEM_MB) $(OVERLAY) \
	$(if $(DOWNLOADS),--config downloads=$(DOWNLOADS))
EXPERIMENTS := $(basename $(notdir $(wildcard experiments/*.yaml)))
FIGURES := $(basename $(notdir $(wildcard src/relscale/figures/draw/[a-z]*.py)))
ENVIRONMENT_OVERRIDES := PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_WARN_SCRIPT_LOCATION=1

.DEFAULT_GOAL := help
.PHONY: help env reproduce test check format tiny plan figures report verify archive publish soak clean-checkpoints clean-results

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-20s %s\n", $$1, $$2}'

env: $(STAMP) ## build .venv from the lock; a no-op when it stands

$(PACKAGES): envs/requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "relscale needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv --clear $(VENV)
	$(ENVIRONMENT_OVERRIDES) $(BIN)/pip install --quiet $(TORCH)
	$(ENVIRONMENT_OVERRIDES) $(BIN)/pip install --quiet --no-deps -r envs/requirements.lock
	$(BIN)/pip check
	touch $@

# The package itself; its native training step is compiled here, where there is a C compiler.
$(STAMP): $(PACKAGES) pyproject.toml setup.py $(wildcard src/relscale/training/native/*)
	$(ENVIRONMENT_OVERRIDES) $(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/pip check
	touch $@

reproduce: $(STAMP) ## run EXPERIMENT from text to report; only stale steps run
	$(SNAKEMAKE)
	$(MAKE) --no-print-directory report
	@$(BIN)/python -m relscale.stages.summary --relative $(RESULTS)/laws/relative.csv \
		--absolute $(RESULTS)/laws/absolute.csv --report $(RESULTS)/report.html

report: $(STAMP) ## build the report from finished results
	$(SNAKEMAKE) --quiet --report $(RESULTS)/report.html --report-stylesheet workflow/report/report.css

tiny: $(STAMP) ## the smallest experiment, end to end
	@$(MAKE) --no-print-directory reproduce EXPERIMENT=tiny

plan: $(STAMP) ## plan EXPERIMENT: tables/suite.csv and its bill, nothing else
	$(SNAKEMAKE) --quiet all -- plan
	@cat $(RESULTS)/tables/bill.txt; echo $(RESULTS)/tables/suite.csv

figures: $(STAMP) ## redraw stale figures from existing tables; trains nothing
	$(SNAKEMAKE) --allowed-rules figures $(FIGURES) -- figures

# What the tests compare our scores with. It stands apart, so that the packages above stay whole; without it those tests say so and are left out.
$(HARNESS): envs/harness.txt $(PACKAGES)
	rm -rf $@ && $(ENVIRONMENT_OVERRIDES) $(BIN)/pip install --quiet --no-deps --target $@ -r envs/harness.txt \
		|| { rm -rf $@; echo "lm_eval could not be installed: scores are compared with its stored numbers only"; }
	@if [ -d $@ ]; then touch $@; fi

test: $(STAMP) $(HARNESS) ## every test that this machine can run
	$(BIN)/python -m pytest

check: $(STAMP) ## linters, types, unit tests, dry run of every experiment
	$(BIN)/ruff check src tests benchmarks setup.py
	$(BIN)/ruff format --check src tests benchmarks setup.py
	$(BIN)/mypy
	$(BIN)/snakefmt --check --line-length 100 Snakefile workflow
	$(BIN)/snakemake --lint
	$(BIN)/python -m pytest tests/unit
	@for name in $(EXPERIMENTS); do \
		echo "dry run of $$name"; $(BIN)/snakemake --cores 1 --configfile experiments/$$name.yaml --dry-run --quiet all || exit 1; done

format: $(STAMP) ## let the formatters write
	$(BIN)/ruff check --fix src tests benchmarks setup.py
	$(BIN)/ruff format src tests benchmarks setup.py
	$(BIN)/snakefmt --line-length 100 Snakefile workflow

verify: $(STAMP) ## say which results of EXPERIMENT are stale, and why, by the records that jobs left
	$(BIN)/relscale verify $(OVERLAYS)

archive: $(STAMP) ## pack EXPERIMENT's tables, figures and records into one file that figures can be redrawn from
	$(BIN)/relscale archive $(OVERLAYS) --out $(RESULTS).tar.gz

publish: $(STAMP) ## write model folders and cards for the runs of EXPERIMENT under LICENCE; sends nothing (see relscale publish --help)
	@test -n "$(LICENCE)" || { echo "make publish needs LICENCE, that of the weights as the hub writes it, such as LICENCE=apache-2.0;" \
		"it must suit those of the text ($(RESULTS)/tables/sources.csv)"; exit 2; } >&2
	$(BIN)/relscale publish $(OVERLAYS) --out $(RESULTS)-models --licence $(LICENCE)

soak: $(STAMP) ## tests too long for every day
	$(BIN)/python -m pytest --soak

clean-checkpoints: ## remove the checkpoints that runs go on from; finished results stay
	rm -rf results/shared/checkpoints

clean-results: ## remove the results of EXPERIMENT; shared sources and corpora stay
	rm -rf $(RESULTS) logs/$(NAME) benchmarks/results/$(NAME)
