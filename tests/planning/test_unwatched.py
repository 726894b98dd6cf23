"""What a method reads that is in no key: `why` lists it as not watched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from messages import missing_by_line
from noisebench.components.unwatched import unwatched

CODE = '''
import os
from os import environ, getenv
import noisebench as nb

GAIN = float(os.environ.get("NET_GAIN", "1"))
BIAS = getenv("NET_BIAS") or environ["NET_OFFSET"] if "NET_OFFSET" in environ else "0"
NAME = "NET_" + "X"
TABLE = "{outside}"
OWN = "{inside}"
GONE = "/no/such/file"


@nb.method("half", layout="hwc")
def half(noisy, info):
    """Half of it."""
    os.environ.get(NAME)
    return noisy / 2
'''


def write(folder: Path) -> Path:
    plugin, table, own = folder / "plug" / "half.py", folder / "table.txt", folder / "plug" / "own.txt"
    plugin.parent.mkdir()
    for file in (table, own):
        file.write_text("1")
    plugin.write_text(CODE.format(outside=table, inside=own))
    return plugin


def test_variables_and_files_outside_are_named_and_those_inside_are_not(tmp_path: Path) -> None:
    plugin = write(tmp_path)
    found = unwatched(["half/half.py", "other/gone.py"], {"half": str(plugin.parent)})
    variables = ("NET_BIAS", "NET_GAIN", "NET_OFFSET", "of a computed name")
    assert not missing_by_line(
        sorted(found),
        *([f"environment variable {name}, ", "half.py"] for name in variables),
        [f"file {tmp_path / 'table.txt'}, ", "half.py"],
    )


def test_why_lists_them_under_each_cell(cli: Any, tmp_path: Path) -> None:
    write(tmp_path)
    cli("run", "--methods", "half", "identity", "--datasets", "gaussian_field(n=1, size=16)", "--regimes", "none",
        "--plugin", "plug/half.py", "--store", "s")  # fmt: skip
    said = cli("why", "s").stdout
    assert "    not watched: environment variable NET_GAIN, which half.py names\n" in said
    found = {cell["method"]: cell["unwatched"] for cell in json.loads(cli("why", "s", "--json").stdout)}
    assert len(found["half"]) == 5 and found["identity"] == []
