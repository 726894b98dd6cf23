"""The example notebook, run; as a script it keeps the outputs in docs/examples/first_look.ipynb, with small figures."""

from __future__ import annotations

import base64
import io
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbclient
import nbformat
from checkout import ROOT
from PIL import Image

EXAMPLE = ROOT / "docs" / "examples" / "first_look.ipynb"
COLOURS = 12
"""Of a figure as it is kept, which is enough for text, lines and points."""


def executed_notebook(folder: Path) -> Any:
    """The example with all outputs, executed in a folder by the programs of this environment."""
    book = nbformat.read(EXAMPLE, as_version=4)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{before}"
    try:
        where = {"metadata": {"path": str(folder)}}
        nbclient.NotebookClient(book, timeout=240, kernel_name="python3", resources=where).execute()
    finally:
        os.environ["PATH"] = before
    return book


def with_fewer_colours(png: str) -> str:
    """A figure in base64 with a palette."""
    small = io.BytesIO()
    Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB").quantize(COLOURS).save(small, "PNG", optimize=True)
    return base64.b64encode(small.getvalue()).decode()


def kept(outputs: Sequence[Any]) -> list[Any]:
    """The outputs of a cell with small figures, and with all that it printed in one piece."""
    printed = "".join(one["text"] for one in outputs if one["output_type"] == "stream")
    shown = [one for one in outputs if one["output_type"] != "stream"]
    for one in shown:
        if "image/png" in one["data"]:
            one["data"]["image/png"] = with_fewer_colours(one["data"]["image/png"])
    return [*([nbformat.v4.new_output("stream", text=printed)] if printed else []), *shown]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        book = executed_notebook(Path(folder))
    for cell in book["cells"]:
        cell["metadata"] = {}
        if cell["cell_type"] == "code":
            cell["outputs"] = kept(cell["outputs"])
    book["metadata"]["language_info"] = {"name": "python"}
    nbformat.write(book, EXAMPLE)
