# make demo   install, run the demonstration suite and say where its board is
# make test   install, then lint, type-check and test
# make bench  install, then run the benchmarks
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test bench install clean

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $(STAMP)

install: $(STAMP)

demo: $(STAMP)
	$(BIN)/noisebench run demo --store nb-store
	$(BIN)/noisebench report nb-store --to board

test: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict harness
	$(BIN)/python -m pytest -n 2 --dist loadfile

bench: $(STAMP)
	$(BIN)/python -m pytest benchmarks -p no:xdist --benchmark-min-rounds=3 --benchmark-columns=median,iqr,ops -s

clean:
	rm -rf build board nb-store *.egg-info
