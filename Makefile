# The verbs of this project; `make help` lists them. `run`, `run-file`, `sample` and `clean-data` need nothing but
# Python; the others build what they need in .venv, or say what is missing.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python -m

COUNT ?= 3
SHAPE ?= logs
SEED ?= 1
DIR ?= watch_dir/unprocessed
IMAGE ?= fproc
PORT ?= 8000

.DEFAULT_GOAL := help
.PHONY: help run run-file test coverage pythons sweeps test-long check lint types pyz generate bench bench-guard screenshots \
	sample package build-package publish publish-package \
	docker-build build-docker docker-run run-docker clean clean-data

help: ## list these verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## watch watch_dir/unprocessed and process what lands there (ARGS="--port 9000")
	$(PYTHON) -m fproc --watch $(ARGS)

run-file: ## process one file where it is: make run-file FILE=some.log (ARGS="--output out.txt")
	@test -n "$(FILE)" || { echo 'make run-file needs a file: make run-file FILE=some.log' >&2; exit 2; }
	$(PYTHON) -m fproc --input "$(FILE)" $(ARGS)

sample: ## write sample files: make sample COUNT=3 SHAPE=logs SEED=1 DIR=watch_dir/unprocessed
	$(PYTHON) -m fproc --sample $(COUNT) --shape $(SHAPE) --seed "$(SEED)" --output "$(DIR)"

# Four at a time even on two processors: system tests mostly wait. Sweeps run one by one, because some of them
# measure time.
test: $(VENV)/ready ## run the fast tests
	$(RUN) pytest -n 4 --dist worksteal -m "not long and not sweep" $(ARGS)

coverage: $(VENV)/ready ## run the fast tests, and list the lines and branches of fproc that they do not reach
	$(BIN)/coverage erase
	$(MAKE) test RUN="$(BIN)/coverage run -m"
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# `this` only prints the version of Python; it keeps tox from failing where neither of the others is found.
pythons: $(VENV)/ready ## run unit tests and properties under the oldest and the newest Python, if installed
	$(BIN)/tox run -e this,3.10,3.13 $(ARGS)

sweeps: $(VENV)/ready ## kill, starve, mutate and browse fproc, thinned (minutes; needs strace and chromium)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "sweep and not long" $(ARGS)

test-long: $(VENV)/ready ## run every test, the long ones with the deep hypothesis profile
	HYPOTHESIS_PROFILE=deep $(BIN)/python -m pytest $(ARGS)

check: lint types test ## lint, types and the fast tests: what must be green before a commit

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/ready
	$(BIN)/mypy

pyz: $(VENV)/ready ## build the one executable file, fproc.pyz
	$(BIN)/python -m fproc.pyz.build $(CURDIR)/fproc.pyz

generate: $(VENV)/ready ## write the tables of the documents again, from what the code declares
	$(BIN)/python -m tests.support.generated

package: $(VENV)/ready ## make wheel, sdist, fproc.pyz, .deb, .rpm, SHA256SUMS and an SPDX file in dist/
	@$(RUN) release package

build-package: package ## the same as package

publish: $(VENV)/ready ## rehearse an upload to TestPyPI (ARGS="--upload" asks and uploads; "--repository pypi")
	@$(RUN) release publish $(ARGS)

publish-package: publish ## the same as publish

# podman keeps the health check only in images of docker's own format.
docker-build: ## build the image fproc, by docker or podman (IMAGE=, ENGINE=, ARGS=)
	@engine=$$(release/engine.sh $@) || exit; \
	case "$$engine" in *podman) format='--format docker' ;; *) format= ;; esac; \
	exec $$engine build $$format --tag "$(IMAGE)" $(ARGS) .

build-docker: docker-build ## the same as docker-build

docker-run: ## run the image on watch_dir and pipeline.json; the dashboard is on 127.0.0.1 (IMAGE=, ENGINE=, PORT=8000)
	@engine=$$(release/engine.sh $@) || exit; \
	FPROC_TOKEN=$${FPROC_TOKEN:-$$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')}; export FPROC_TOKEN; \
	echo "dashboard: http://127.0.0.1:$(PORT) with the token $$FPROC_TOKEN"; \
	exec $$engine run --rm --read-only --cap-drop=ALL --security-opt=no-new-privileges \
		--user "$$(id -u):$$(id -g)" --publish "127.0.0.1:$(PORT):8000" --env FPROC_HOST=0.0.0.0 --env FPROC_TOKEN \
		--volume "$(CURDIR)/watch_dir:/data/watch_dir" --volume "$(CURDIR)/pipeline.json:/data/pipeline.json:ro" \
		"$(IMAGE)" --watch $(ARGS)

run-docker: docker-run ## the same as docker-run

bench: ## measure against awk, C, rsyslog and others: make bench ARGS="W1 --mb 200"
	$(PYTHON) -m bench $(ARGS)

bench-guard: ## fail if an everyday pipeline became far slower than mawk or a plain loop (minutes)
	$(PYTHON) -m bench.guard $(ARGS)

screenshots: $(VENV)/ready ## take the pictures of the dashboard again, in docs/images/ and build/ (minutes; needs chromium)
	$(BIN)/python -m tests.browser.screenshots
	$(BIN)/python -m tests.browser.pictures

clean: ## remove what was built; inputs and results are left alone
	rm -rf $(VENV) build dist fproc.pyz .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache .tox
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

clean-data: ## remove all inputs, results and history in watch_dir; asks first
	@$(PYTHON) -m fproc --status --watch-dir watch_dir --json | grep -q '"status": "stopped"' || \
		{ echo 'make clean-data: an fproc runs on watch_dir; stop it first' >&2; exit 1; }
	@printf 'Remove all inputs, results and history in watch_dir? [y/N] '; read -r answer || echo; \
	case "$$answer" in \
		[yY] | [yY][eE][sS]) find watch_dir -mindepth 1 ! -name .gitkeep -delete ;; \
		*) echo 'nothing was removed' ;; \
	esac

# The environment is ready when everything in it was installed after pyproject.toml last changed.
$(VENV)/ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@
