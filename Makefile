# setup run test are all a fresh machine needs: Python 3.11, make and git.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
RUN_DIR ?= runs/mock
JOBS ?= 2
export OMP_NUM_THREADS ?= 2
# Threads that wait must not burn the core that another process needs.
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: setup run test lint bench lab app docs tutorials pictures chromium postgres clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("specanom needs Python 3.11 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo 'installing specanom and all that it needs into $(VENV): some minutes and about 3 GB of disk'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	@touch $@

run: setup
	$(BIN)/specanom run --survey mock --run-dir $(RUN_DIR)

test: setup chromium postgres lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

lint: setup
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: setup
	$(BIN)/python -m benchmarks

# The dashboards stand on a finished run: the demo, made first where there is none.
$(RUN_DIR)/report.html: | setup
	$(BIN)/specanom run --run-dir $(RUN_DIR)

lab: setup $(RUN_DIR)/report.html
	$(BIN)/specanom lab $(RUN_DIR)

app: setup $(RUN_DIR)/report.html
	$(BIN)/specanom app $(RUN_DIR)

# Every tutorial whole, as a reader would run it, with a table of what it takes. The executed copies are what the
# documentation shows.
tutorials: setup
	$(BIN)/python -m benchmarks.tutorials --out docs/_build/tutorials

# The tutorials without an executed copy of their present text are executed first, about a minute each.
docs: setup
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	$(BIN)/python -m benchmarks.tutorials --missing --out docs/_build/tutorials
	$(BIN)/sphinx-build -W -n --keep-going -b html docs docs/_build/html
	$(BIN)/sphinx-build -W -q -b doctest docs docs/_build/doctest

# The pictures of the README: the LimeTuner played anew in JupyterLab, and the explorer of the demo run.
pictures: setup chromium $(RUN_DIR)/report.html
	PYTHONPATH=. $(BIN)/python docs/pictures.py --run $(RUN_DIR)

# The browser tests drive headless Chromium. Root installs it; anybody else is told how.
chromium:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; \
	  else echo 'no Chromium: browser tests will be skipped. To run them: sudo apt-get install chromium'; fi; }

# The tests of candidates start a PostgreSQL server of their own. In continuous integration root installs it; anybody
# else is told how.
postgres:
	@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { \
	  if [ "$(CI)" = true ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null; \
	  else echo 'no PostgreSQL: its tests will be skipped. To run them: sudo apt-get install postgresql'; fi; }

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
