# make demo   install with torch, without tools, run the demonstration suite and say where its board is
# make quick  install, then lint, type-check and run the tests that are short, start no process, train nothing and need no test sets
# make test   install, then lint, type-check and test
# make test-plain-cpu  install, then run the tests of numbers as on a processor without AVX and FMA: two and a half minutes
# make test-python PYTHON=python3.13  the same as make test with another Python and the newest packages, under build/
# make test-lowest  the tests of numbers, specs, planning and stores with the lowest allowed version of each package
# make test-extras  one command of each extra, where nothing else is installed; make test-extra-bm3d for one of them
# make test-core    install noisebench alone, without torch: its size, and what runs there
# make test-wheel   build the wheel, install it elsewhere, run the demonstration there and take the time of an import
# make slow-tests  measure anew which tests make quick leaves out as too long
# make bench  install, then run the benchmarks, which fail where a target of benchmarks/targets.py is missed
# make mutants  install, then break statistics, store, recipes and every track on purpose, in a copy, and list what no test noticed
# make reference  remake the committed results and their board
# make weights  train anew what lies in results/weights: due where a source file of a recipe there has changed
# make sets   run the suites of published sets on the pictures and weights at $NOISEBENCH_DATA, and remake their boards
# make trainings  train what the boards of learned methods and of recipes are of, run what else takes long, and remake them
# make boards  remake the boards of all committed results in build/boards, and what reports/ keeps of each
# make docs   build the documentation in build/site/docs: open build/site/docs/index.html
# make site   build the site of all committed results around it in build/site: open build/site/index.html
# make published  remake docs/published.md, docs/systems and the verdicts of the package from results/claims
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PLAIN := $(VENV)/.installed-without-tools

.PHONY: demo quick quick-tests slow-tests lint test all-tests test-plain-cpu test-python test-lowest test-extras test-core test-wheel types bench mutants reference weights sets trainings boards docs site published install browser bubblewrap clean

# uv installs in a quarter of the processor time of pip. It is the one that is found, or one of our own, and is told where
# pip looks for packages, since it reads no setting of pip.
ENVS := build/environments
UV_FILE := $(or $(shell command -v uv),$(ENVS)/uv/bin/uv)
SETTINGS := s/^[^.]*\.constraint=/UV_CONSTRAINT=/p; s/^[^.]*\.find-links=/UV_FIND_LINKS=/p; \
  s/^[^.]*\.index-url=/UV_INDEX_URL=/p; s/^[^.]*\.extra-index-url=/UV_EXTRA_INDEX_URL=/p
UV = env $(UV_SETTINGS) $(UV_FILE)
# Asked for once, and where uv is used alone: it takes half a second.
UV_SETTINGS = $(eval UV_SETTINGS := $$(shell $(PYTHON) -m pip config list 2>/dev/null | sort --reverse | sed --quiet "$(SETTINGS)"))$(UV_SETTINGS)

# Into a folder, since an environment takes three seconds; one is made where this Python has no pip.
$(ENVS)/uv/bin/uv:
	$(PYTHON) -m pip install --quiet --target $(ENVS)/uv uv 2>/dev/null || \
	  { $(PYTHON) -m venv $(ENVS)/uv && $(ENVS)/uv/bin/python -m pip install --quiet uv; }

$(BIN)/python: | $(UV_FILE)
	$(UV) venv --quiet --seed --allow-existing --python $(PYTHON) $(VENV)

$(STAMP): pyproject.toml | $(BIN)/python
	$(UV) pip install --quiet --python $(BIN)/python --editable '.[dev]'
	touch $(PLAIN) $@

$(PLAIN): pyproject.toml | $(BIN)/python
	$(UV) pip install --quiet --python $(BIN)/python --editable '.[torch]'
	touch $@

install: $(STAMP)

# Where Python is asked to write no bytecode, each process would compile torch anew, for two seconds.
demo: export PYTHONDONTWRITEBYTECODE =
demo: $(PLAIN)
	$(BIN)/noisebench run demo --store nb-store
	$(BIN)/noisebench report nb-store --to board

# The tests of the page drive Debian's chromium without windows, a quarter of the time, or chromium itself where that is
# installed; where neither can be they are skipped and say so.
browser:
	@command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get -qq update && for name in chromium-headless-shell chromium; do \
	  DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $$name fonts-dejavu-core >/dev/null && break; done; } || \
	  echo "no chromium: the tests of the page are skipped (apt-get install chromium-headless-shell)"

# Those of the sandbox need bubblewrap.
bubblewrap:
	@command -v bwrap >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get -qq update && \
	  DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install bubblewrap >/dev/null; } || \
	  echo "no bubblewrap: the tests of the sandbox are skipped (apt-get install bubblewrap)"

# Types are checked while the tests run: mypy has one thread, and remembers what it has checked.
quick: $(STAMP)
	$(MAKE) --no-print-directory lint
	$(MAKE) --no-print-directory types quick-tests --jobs 2

UNMARKED := not (cli or browser or subprocess or training or data)

quick-tests: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "$(UNMARKED) and not slow"

slow-tests: $(STAMP)
	mkdir -p build
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "$(UNMARKED)" --durations 0 > build/durations.txt
	$(BIN)/python tests/support/slow_tests.py build/durations.txt

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

test: $(STAMP) browser bubblewrap
	$(MAKE) --no-print-directory lint
	$(MAKE) --no-print-directory types all-tests --jobs 2

all-tests: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist worksteal

# What computes numbers and is quick: bounds and hashes must not depend on the processor that a test runs on.
NUMERIC := distances/test_distribution methods/generate/test_samplers methods/generate/test_tokens \
  methods/recipes/test_batch_hessian methods/restore/test_diffusion_solvers methods/restore/test_jacobian \
  methods/restore/test_networks tracks/audio/test_audio tracks/functions/test_functions tracks/matrix/test_matrix \
  tracks/restore/metrics/test_scoring tracks/restore/regimes/test_regimes tracks/restore/test_degrade \
  tracks/test_golden_inputs

test-plain-cpu: $(STAMP)
	$(BIN)/python tests/support/plain_cpu.py $(BIN)/python -m pytest -n 2 --dist worksteal $(NUMERIC:%=tests/%.py)

# What continuous integration also does (.github/workflows/tests.yml), each in a fresh environment of its own.
FRESH = $(UV) venv --quiet --clear --python $(PYTHON) $(ENVS)/$(1) && $(UV) pip install --quiet --python $(ENVS)/$(1)

test-python:
	rm -rf $(ENVS)/$(notdir $(PYTHON))
	$(MAKE) --no-print-directory test VENV=$(ENVS)/$(notdir $(PYTHON))

LOWEST := text spec components planning store cost tracks/restore/metrics tracks/test_negative_zeros.py $(NUMERIC:%=%.py)

test-lowest: | $(UV_FILE)
	$(UV) pip compile --quiet --resolution lowest-direct --extra pandas --extra torch --python $(PYTHON) pyproject.toml --output-file build/lowest.txt
	$(call FRESH,lowest) --constraint build/lowest.txt --editable '.[pandas,torch]' pip 'setuptools>=77' wheel hypothesis psutil pytest pytest-timeout pytest-xdist
	$(ENVS)/lowest/bin/python -m pytest -n 2 --dist worksteal $(LOWEST:%=tests/%)

EXTRAS := audio bm3d clip cluster diffusion dnsmos fid graph iqa medical mutants onnx pandas peers sign sklearn spandrel torch

test-extras: $(EXTRAS:%=test-extra-%)

test-extra-%: | $(UV_FILE)
	$(call FRESH,$*) --editable '.[$*]'
	$(ENVS)/$*/bin/python tests/support/extras.py $*

test-core: | $(UV_FILE)
	$(call FRESH,core) .
	$(ENVS)/core/bin/python tests/support/core_commands.py --size
	$(ENVS)/core/bin/python tests/support/core_commands.py

test-wheel: | $(UV_FILE)
	rm -rf build/wheel
	$(UV) build --quiet --out-dir build/wheel --python $(PYTHON)
	$(call FRESH,wheel) "$$(echo build/wheel/*.whl)[torch]"
	cd build/wheel && $(CURDIR)/$(ENVS)/wheel/bin/noisebench run demo
	cd build/wheel && $(CURDIR)/$(ENVS)/wheel/bin/noisebench report nb-store --to board
	$(UV) pip install --quiet --python $(ENVS)/wheel pytest pytest-benchmark pytest-timeout
	$(ENVS)/wheel/bin/python -m pytest benchmarks/test_engine_budgets.py -k start_up -s

# The four folders as the one package that they are installed as.
types: $(STAMP)
	rm -rf build/types && mkdir -p build/types/noisebench
	mkdir build/types/noisebench/methods
	ln -s $(CURDIR)/harness/* $(CURDIR)/datasets $(CURDIR)/methods/recipes build/types/noisebench/
	ln -s $(filter-out %/recipes,$(wildcard $(CURDIR)/methods/*)) build/types/noisebench/methods/
	MYPYPATH=build/types $(BIN)/mypy --strict build/types/noisebench

bench: $(STAMP)
	$(BIN)/python -m pytest benchmarks -p no:xdist --benchmark-min-rounds=3 --benchmark-columns=median,iqr,ops -s
	$(BIN)/python benchmarks/metric_table.py

# A sample a room; MUTANTS="statistics --sample 100", MUTANTS="store --all": benchmarks/mutants.py --help has the rest.
$(VENV)/.mutants: $(STAMP)
	$(UV) pip install --quiet --python $(BIN)/python --editable '.[mutants]'
	touch $@

mutants: $(VENV)/.mutants
	$(BIN)/python benchmarks/mutants.py $(MUTANTS)

# Remakes the demonstrations, exported, and their boards.
DEMOS := demo_adapt demo_classify demo_graph demo_segment demo_text
WITHOUT_PICTURES := demo_audio demo_matrix

reference: $(STAMP)
	rm -rf build/reference
	$(BIN)/noisebench run demo --store build/reference
	$(BIN)/noisebench export build/reference --to results/demo.parquet
	$(BIN)/noisebench run demo_functions --store build/functions
	$(BIN)/noisebench export build/functions --to results/functions.parquet --compact --no-pictures
	$(BIN)/noisebench study demo_generate --store build/generate --to build/generate-study
	$(BIN)/noisebench export build/generate --to results/demo_generate.parquet --compact
	set -e; for suite in $(DEMOS); do \
	  $(BIN)/noisebench run $$suite --store build/$$suite; \
	  $(BIN)/noisebench export build/$$suite --to results/$$suite.parquet --compact; done
	set -e; for suite in $(WITHOUT_PICTURES); do \
	  $(BIN)/noisebench run $$suite --store build/$$suite; \
	  $(BIN)/noisebench export build/$$suite --to results/$$suite.parquet --compact --no-pictures; done
	$(BIN)/python benchmarks/remake_boards.py demo functions demo_generate $(DEMOS) $(WITHOUT_PICTURES)
	$(BIN)/python benchmarks/false_claims.py docs/null.png
	$(BIN)/python -c "import json; from importlib.metadata import version as v; \
	  print(json.dumps({n: v(n) for n in ('matplotlib', 'numpy', 'pillow')}))" > reports/made_with.json

# Removed first, so that none is taken by its key and trained no more.
weights: $(STAMP)
	rm -rf build/weights results/weights/*.safetensors
	$(BIN)/noisebench run quick --store build/weights
	$(BIN)/noisebench weights export build/weights --to results/weights/quick.safetensors

# Pictures that are not ours to pass on: without crops.
SETS := awgn polyu mri_knee lowlight

sets: $(STAMP)
	set -e; for suite in $(SETS); do \
	  $(BIN)/noisebench run $$suite --store build/$$suite; \
	  $(BIN)/noisebench export build/$$suite --to results/$$suite.parquet --compact --no-pictures; done
	$(BIN)/python benchmarks/remake_boards.py $(SETS)

# Boards of what is trained, and others that take long: their cells whose code has changed. All of them take forty hours of
# one core.
TRAINED := $(filter-out $(SETS) functions demo_%,$(patsubst results/%.parquet,%,$(wildcard results/*.parquet)))

trainings: $(STAMP)
	$(BIN)/python benchmarks/renew_boards.py --store build/renewed $(TRAINED)
	$(BIN)/python benchmarks/remake_boards.py $(TRAINED)

# Two at once; less than a quarter of an hour on two cores.
boards: $(STAMP)
	$(BIN)/python benchmarks/remake_boards.py

docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# What has clips to listen to, which are too heavy for git: it is run again, in three minutes.
PLAYED := demo_audio

# Three minutes of one core.
site: docs
	$(BIN)/noisebench run $(PLAYED) --store build/$(PLAYED)
	$(BIN)/noisebench site $(filter-out results/$(PLAYED).parquet,$(wildcard results/*.parquet)) build/$(PLAYED) --to build/site

published: $(STAMP)
	$(BIN)/python benchmarks/remake_published.py

clean:
	rm -rf build board nb-store *.egg-info
