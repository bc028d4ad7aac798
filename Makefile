# relscale.  The two main commands: make reproduce | make test
# EXPERIMENT=name selects experiments/name.yaml, and EXPERIMENT=published/name selects a published
# losses table, experiments/published/name.yaml. CORES, GPUS and MEM_MB limit the use of this
# machine. DOWNLOADS is a folder of packages downloaded before. For make reproduce, PROFILE is the
# folder of a Snakemake profile, VERBOSE=1 shows Snakemake's output, and SNAKEMAKE_OPTIONS are
# further options of Snakemake. UV= installs the environment without uv.

SHELL := /bin/bash
PYTHON ?= python3
EXPERIMENT ?= default
CORES ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu)
GPUS ?= 1
MEM_MB ?= 4000
DOWNLOADS ?=
PROFILE ?=
VERBOSE ?=
SNAKEMAKE_OPTIONS ?=
LICENCE ?=
TORCH ?= torch==2.13.0
CUDA_TORCH ?=
UV ?= uv
DOCKER ?= docker
BASE ?=

EXPERIMENTS := $(basename $(patsubst experiments/%,%,$(wildcard experiments/*.yaml \
	experiments/published/*.yaml)))
VENV := .venv
BIN := $(VENV)/bin
ENVIRONMENT := $(PYTHON) tools/environment.py --venv $(VENV) --python "$(PYTHON)" \
	--torch "$(TORCH)" --uv "$(UV)"
ifneq ($(EXPERIMENT),default)
ifeq ($(wildcard experiments/$(EXPERIMENT).yaml),)
$(error EXPERIMENT=$(EXPERIMENT): experiments/$(EXPERIMENT).yaml does not exist; the choices \
	are default $(EXPERIMENTS))
endif
endif
# The name of the experiment's folders. Only the package reads it from the overlay. A call with an
# unusable overlay ends here, so that no command ever gets an empty name.
READ_NAME = python=$(BIN)/python; test -x "$$python" || python="$(PYTHON)"; PYTHONPATH=src \
	"$$python" -m relscale.config.overlays '$(subst ','\'',$(EXPERIMENT))'
override NAME = $(eval override NAME := $(shell $(READ_NAME)))$(or $(NAME),$(error the experiment \
	cannot be used, see above))
RESULTS = results/$(NAME)
OVERLAYS = $(if $(NAME),$(if $(filter-out default,$(EXPERIMENT)),experiments/$(EXPERIMENT).yaml))
OVERLAY = $(if $(OVERLAYS),--configfile $(OVERLAYS))
# snakefmt calls shfmt, which is in the environment.
export PATH := $(CURDIR)/$(BIN):$(PATH)
# This checkout comes before an installed one, which matters if .venv is a link.
export PYTHONPATH := $(CURDIR)/src$(if $(PYTHONPATH),:$(PYTHONPATH))
SNAKEMAKE = $(BIN)/snakemake --cores $(CORES) --resources gpu=$(GPUS) mem_mb=$(MEM_MB) $(OVERLAY) \
	$(if $(DOWNLOADS),--config downloads=$(DOWNLOADS))
# Errors stay visible, unlike with `--quiet all`, which a dry run ignores altogether.
QUIET := --quiet host progress reason rules
FIGURES := $(basename $(notdir $(wildcard src/relscale/figures/draw/[a-z]*.py)))
# One process per core; tests/conftest.py says which tests share a process.
PYTEST := $(BIN)/python -m pytest --numprocesses $(CORES) --maxprocesses 8 \
	--dist loadscope --no-loadscope-reorder
CHECKED := src tests benchmarks tools setup.py

.DEFAULT_GOAL := help
.PHONY: help env experiments lock reproduce test check docs format schema golden tiny plan \
	figures report verify certify archive crate image publish levels soak \
	clean-checkpoints clean-results

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) \
		| awk -F ':.*## ' '{printf "  make %-20s %s\n", $$1, $$2}'

env: ## build .venv from the lock; does nothing if its content is up to date
	@$(ENVIRONMENT)

experiments: env ## list the experiments, each with a sentence and its cost
	@$(BIN)/python -m relscale experiments

lock: ## resolve envs/requirements.in into the lock, with hashes; UPGRADE=1 takes newer versions
	$(PYTHON) tools/lock.py $(if $(UPGRADE),--upgrade)

reproduce: env ## run EXPERIMENT from text to report; only stale steps run
	@$(BIN)/python -m relscale run $(OVERLAYS) --cores $(CORES) --gpus $(GPUS) --mem-mb $(MEM_MB) \
		$(if $(DOWNLOADS),--downloads $(DOWNLOADS)) $(if $(PROFILE),--profile $(PROFILE)) \
		$(if $(VERBOSE),--verbose) $(if $(SNAKEMAKE_OPTIONS),-- $(SNAKEMAKE_OPTIONS))

report: env ## build the report from finished results
	$(SNAKEMAKE) --quiet --report $(RESULTS)/report.html --report-stylesheet workflow/report/report.css

tiny: env ## the smallest experiment, end to end
	@$(MAKE) --no-print-directory reproduce EXPERIMENT=tiny

plan: env ## plan EXPERIMENT: tables/suite.csv and its cost estimate
	@$(BIN)/python -m relscale plan $(OVERLAYS) --calibrate
	@$(SNAKEMAKE) $(QUIET) -- plan
	@echo $(RESULTS)/tables/suite.csv

figures: env ## redraw stale figures from existing tables, without training
	$(SNAKEMAKE) --allowed-rules figures $(FIGURES) -- figures

test: ## every test that this machine can run
	@$(ENVIRONMENT) --harness
	$(PYTEST)

check: env ## linters, prose, types, unit tests, dry run of every experiment
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/python tools/prose.py
	$(BIN)/mypy
	$(BIN)/snakefmt --check --line-length 100 workflow
	$(BIN)/snakemake --lint
	$(PYTEST) tests/unit
	@for name in $(EXPERIMENTS); do \
		echo "dry run of $$name"; \
		$(BIN)/snakemake --cores 1 --configfile experiments/$$name.yaml --dry-run $(QUIET) \
			|| exit 1; done

docs: env ## build the documentation into build/docs; an unresolved link is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

schema: env ## write the schema and the reference of the configuration from its models
	$(BIN)/python -m relscale.config.schema

golden: ## write the golden files anew; the difference must be one that you can explain
	@$(ENVIRONMENT) --harness
	$(BIN)/python -m relscale plan experiments/paper.yaml --out tests/golden/suite_paper.csv
	$(BIN)/python tests/golden/reference_harness.py

format: env ## reformat the code
	$(BIN)/ruff check --fix $(CHECKED)
	$(BIN)/ruff format $(CHECKED)
	$(BIN)/snakefmt --line-length 100 workflow

verify: env ## list the stale results of EXPERIMENT and why they are stale
	$(BIN)/python -m relscale verify $(OVERLAYS)

certify: env ## compare the verdicts and slopes of EXPERIMENT with the published ones
	$(BIN)/python -m relscale certify $(OVERLAYS)

archive: env ## pack tables, figures and records of EXPERIMENT into one file
	$(BIN)/python -m relscale archive $(OVERLAYS) --out $(RESULTS).tar.gz

crate: env ## pack results, workflow and configuration of EXPERIMENT with RO-Crate metadata
	@test -n "$(LICENCE)" || { echo "make crate needs LICENCE, the SPDX identifier of the licence of" \
		"the results, such as LICENCE=CC-BY-4.0"; exit 2; } >&2
	$(BIN)/python -m relscale crate $(OVERLAYS) --out $(RESULTS).crate.zip --licence $(LICENCE)

image: ## build the container relscale; BASE=python@sha256:... names the image of Python by digest
	@[[ "$(BASE)" =~ @sha256:[0-9a-f]{64}$$ ]] || { echo "make image needs BASE, an image of Python" \
		"3.11 with its digest, such as BASE=python:3.11-slim-bookworm@sha256:... (docker buildx" \
		"imagetools inspect python:3.11-slim-bookworm prints it)"; exit 2; } >&2
	$(DOCKER) build --file envs/Dockerfile --build-arg BASE=$(BASE) --tag relscale .

publish: env ## write model folders and cards for the runs of EXPERIMENT; uploads nothing
	@test -n "$(LICENCE)" || { echo "make publish needs LICENCE, the name of the licence of the" \
		"weights on the Hub, such as LICENCE=apache-2.0; it must be compatible with the licences in" \
		"$(RESULTS)/tables/sources.csv"; exit 2; } >&2
	$(BIN)/python -m relscale publish $(OVERLAYS) --out $(RESULTS)-models --licence $(LICENCE)

levels: env ## tests of training and laws as on each kind of processor that this one can act as
	$(BIN)/python tools/levels.py

soak: env ## all tests, including the long ones; CUDA_TORCH=torch==VERSION as well with a CUDA build
	$(PYTEST) --soak
ifneq ($(CUDA_TORCH),)
	$(PYTHON) tools/environment.py --venv .venv-cuda --python "$(PYTHON)" \
		--torch "$(CUDA_TORCH)" --uv "$(UV)"
	@.venv-cuda/bin/python -c 'import sys, torch; torch.version.cuda or sys.exit("CUDA_TORCH: torch " \
		+ torch.__version__ + " is not a CUDA build; name one, with options of pip")'
	.venv-cuda/bin/python -m pytest --soak tests/unit/training/test_fake_gpu.py tests/gpu
endif

clean-checkpoints: ## remove the checkpoints from which runs resume; results stay
	rm -rf results/shared/checkpoints

clean-results: ## remove the results of EXPERIMENT; shared sources and corpora stay
	rm -rf -- results/$(NAME) logs/$(NAME) benchmarks/results/$(NAME)
