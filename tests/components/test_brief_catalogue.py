"""A list of components is read from their files: none of them is imported."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from noisebench.text.extras import is_installed

KINDS = ("method", "dataset", "regime", "protocol", "arch", "loss", "objective", "optimizer", "part")
READ = f"""
import json, sys
from noisebench.components.catalogue import catalogue
print(json.dumps({{kind: catalogue(kind, "", (), brief=True) for kind in {KINDS}}}))
assert not [name for name in sys.modules if name.startswith("noisebench.recipes.") and name.count(".") == 3]
print(json.dumps({{kind: catalogue(kind, "", ()) for kind in {KINDS}}}))
"""


@pytest.mark.skipif(not is_installed("torch"), reason="without torch an import says what a component needs")
def test_what_is_read_of_a_component_is_what_an_import_says() -> None:
    done = subprocess.run([sys.executable, "-c", READ], capture_output=True, text=True, check=True)
    read, imported = map(json.loads, done.stdout.splitlines())
    for kind, entries in read.items():
        assert entries == [{key: one[key] for key in ("name", "track", "about")} for one in imported[kind]], kind
