# make demo   install, run the demonstration suite and say where its board is
# make test   install, then lint, type-check and test
# make bench  install, then run the benchmarks
# make reference  remake the committed results and their board
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test bench reference install browser clean

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $(STAMP)

install: $(STAMP)

demo: $(STAMP)
	$(BIN)/noisebench run demo --store nb-store
	$(BIN)/noisebench report nb-store --to board

# The tests of the page drive Debian's chromium; where it cannot be installed they are skipped and say so.
browser:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get -qq update && \
	  DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install chromium fonts-dejavu-core >/dev/null; } || \
	  echo "no chromium: the tests of the page are skipped (apt-get install chromium)"

test: $(STAMP) browser
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict harness
	$(BIN)/python -m pytest -n 2 --dist loadfile

bench: $(STAMP)
	$(BIN)/python -m pytest benchmarks -p no:xdist --benchmark-min-rounds=3 --benchmark-columns=median,iqr,ops -s
	$(BIN)/python benchmarks/metric_table.py

# Remakes results/ and reports/: the demonstration, exported, and its board.
reference: $(STAMP)
	rm -rf build/reference reports/demo
	$(BIN)/noisebench run demo --store build/reference
	$(BIN)/noisebench export build/reference --to results/demo.json
	$(BIN)/noisebench report results/demo.json --to reports/demo
	$(BIN)/python benchmarks/false_claims.py docs/null.png
	$(BIN)/python -c "import json; from importlib.metadata import version as v; \
	  print(json.dumps({n: v(n) for n in ('matplotlib', 'numpy', 'pillow')}))" > reports/made_with.json

clean:
	rm -rf build board nb-store *.egg-info
