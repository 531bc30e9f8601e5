# Two commands do everything: `make report` and `make test`. `make help` lists the rest.

SITE ?= local
PROFILE ?= quick
RUNTIMES ?=
RESULTS ?= results
MEASURE_AS ?=
IMAGES ?=
PYTHON ?= python3
CHROMIUM ?=
MACHINE ?=

VENV := .venv
BIN := $(VENV)/bin
EVALUATION := $(BIN)/evaluation
export RUNTIMES PYTHON CHROMIUM

# A software view's variables are not for our Python; setup/isolated.sh says which and why.
unexport $(filter-out PYTHON PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX PYTHONUNBUFFERED,$(filter PYTHON%,$(.VARIABLES)))
unexport JUPYTER_PATH JUPYTER_CONFIG_PATH JUPYTER_CONFIG_DIR JUPYTER_DATA_DIR IPYTHONDIR
export PYTHONNOUSERSITE := 1

.DEFAULT_GOAL := help
RUN := $(EVALUATION) run --site $(SITE) --profile $(PROFILE) --results $(RESULTS) $(foreach runtime,$(RUNTIMES),--runtime $(runtime)) $(foreach image,$(IMAGES),--image $(image)) $(if $(FRESH),--fresh,--if-needed)
MEASURE := $(RUN) --as "$(MEASURE_AS)"
# The run is complete although a step failed (3): what was measured is used, and the failure told at the end.
KEPT := status=$$?; [ $$status = 0 ] || [ $$status = 3 ] || exit $$status

.PHONY: help setup runtimes runtimes-stop report site measure reference kit pdf test worlds bench check docs lab clean

help: ## Explain every target
	@echo "Usage: make TARGET [SITE=local] [PROFILE=quick|full] [RUNTIMES='docker podman'|none] [IMAGES='xs small med'] [MEASURE_AS=user] [FRESH=1]"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/.complete: requirements.lock pyproject.toml setup/venv
	@setup/venv $(VENV)

setup: $(VENV)/.complete ## Make the virtual environment from hashed pins

runtimes: ## Look for container runtimes; as root on a bare Debian machine, say what is installed, and install it
	@setup/runtimes ensure

runtimes-stop: ## End the Docker daemons that were started by `make runtimes`
	@setup/runtimes stop

report: setup runtimes ## Measure this machine if it has not been yet, decide, and write results/report.html
	@$(MEASURE); $(KEPT); $(EVALUATION) report --results $(RESULTS) && exit $$status

site: setup ## A site contact's way, without root and network: measure what this user may, pack it into one archive
	@$(EVALUATION) site pack --check-name --site $(SITE)
	@$(RUN); $(KEPT); $(EVALUATION) site pack --site $(SITE) --results $(RESULTS) $(if $(YES),--yes) && exit $$status

measure: setup runtimes ## Measure this machine; an interrupted run is resumed; FRESH=1 measures again
	@$(MEASURE)

reference: setup ## Write the report of the committed reference run: nothing is measured or installed
	@$(EVALUATION) report --results results --run reference

kit: setup ## Pack all that a site contact needs into one file, build/container-evaluation-kit-*.tar.gz; needs network; MACHINE=arm64: for arm64
	@$(BIN)/python -I -m evaluation.kit.make $(if $(MACHINE),--for $(MACHINE))

pdf: ## Print results/report.html on A4 as results/report.pdf; needs Chromium
	@setup/pdf "$(RESULTS)/report.html" "$(RESULTS)/report.pdf"

test: setup ## Run all tests; those that need a runtime or a browser that is not here say so and are skipped
	@$(BIN)/python -m pytest -n 2 --dist loadgroup

worlds: setup ## As root: the whole walks in other systems (tests/worlds), a virtual machine among them; takes hours
	@WORLDS="fresh12 nbox three deb11 vm" $(BIN)/python -m pytest tests/worlds

bench: setup ## Measure what our own measuring costs, beside a loop in C and hyperfine; results in build/benchmarks
	@$(BIN)/python -m benchmarks

check: setup ## Lint, types, import rules, validity of every file, generated files up to date
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache | tail -n 8
	@$(EVALUATION) validate
	@$(EVALUATION) docs --check

docs: setup ## Write what is generated: the probe catalogue, the JSON Schemas, the rendered recipes
	@$(EVALUATION) docs

lab: setup ## Open the notebooks in JupyterLab, which keeps its settings in the virtual environment
	@own="$(CURDIR)/$(VENV)/lab"; JUPYTER_CONFIG_DIR="$$own" JUPYTER_DATA_DIR="$$own/data" IPYTHONDIR="$$own/ipython" npm_config_cache="$$own/npm" \
		$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) notebooks

clean: ## Remove the virtual environment and caches; results and images are kept
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build ./*.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
