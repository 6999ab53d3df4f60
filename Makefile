# Everything lives in .venv. README.md shows the plain commands beside these targets.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# solutions are run and graded by tests/hackathon/grading/test_grade_shipped.py
NOTEBOOKS := $(wildcard notebooks/*.ipynb challenges/*/starter.ipynb)

# else each of the many processes of the tests compiles torch and pandas anew
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test slow lint bench wheel lab lock

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-8s%s\n", $$1, $$2 }' Makefile

setup: $(READY) ## Make .venv with every package at its locked version

demo: setup ## Do the whole job once on the data that ship: some minutes
	$(BIN)/shd demo

test: lint ## Check the style, run the tests but the slow ones, and the notebooks: under ten minutes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"
	$(if $(NOTEBOOKS),OMP_NUM_THREADS=1 SHD_PROGRESS=0 SHD_DATA=no-real-data $(BIN)/python -m pytest -n 2 \
	  --dist loadfile --nbval-lax --nbval-current-env $(NOTEBOOKS))

slow: setup ## Run the other tests: whole comparisons, simulations, solutions graded as a class would be
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m slow

lint: setup ## Check the style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: setup ## Measure quality, speed and memory: hours
	$(BIN)/python -m benchmarks.diabetes
	$(BIN)/python -m benchmarks.families
	$(BIN)/python -m benchmarks.field
	$(BIN)/python -m benchmarks.private
	$(BIN)/python -m benchmarks.scale
	$(BIN)/python -m benchmarks.compare
	$(BIN)/python -m benchmarks.images
	$(BIN)/python -m benchmarks.grade

wheel: setup ## Make dist/shd-*.whl, for teams without a checkout
	$(BIN)/uv build --quiet --wheel --no-build-isolation --python $(BIN)/python -o dist .

lab: setup ## Open JupyterLab
	$(BIN)/jupyter lab

lock: setup ## Choose versions again; run after changing dependencies in pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --generate-hashes --python-version 3.11 \
	  --no-emit-index-url --no-header --quiet -o requirements.lock

# uv itself is one of the locked packages; pip installs it first, by its hash, and uv the rest
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'shd needs Python 3.11 or newer: make setup PYTHON=python3.11' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .venv/uv.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.lock
	$(BIN)/uv pip install --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@
