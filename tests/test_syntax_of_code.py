"""What of a source file makes a verdict stale: what it does; not its texts, refusals and ranges."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from noisebench.claims.syntax import syntax_sha256

CODE = '''\
"""A method."""

import math
from typing import Annotated

import noisebench as nb
import numpy as np
from noisebench import Ge


@nb.method("half", track="restore", cite="A, B, 2020")
def half(noisy, info, *, share: Annotated[float, Ge(0)] = 0.5, many: int = 1):
    """The input, dimmed."""
    if many > 9:
        raise nb.UsageError(f"half: many is {many}: at most 9")
    if math.isnan(share):
        raise nb.Skip("no share")
    # as the paper has it
    return noisy * np.float32(share)
'''
SAME = {
    "a comment": ("    # as the paper has it\n", ""),
    "layout": ("share: Annotated[float, Ge(0)] = 0.5, many", "share: Annotated[float, Ge(0)] = 0.5,\n         many"),
    "a docstring": ("The input, dimmed.", "Half of the input."),
    "no docstring": ('    """The input, dimmed."""\n', ""),
    "what a refusal says": ("at most 9", "9 or fewer"),
    "what an exception says": ("no share", "its share is NaN"),
    "a refusal less": ('    if many > 9:\n        raise nb.UsageError(f"half: many is {many}: at most 9")\n', ""),
    "another refusal": ("    # as", '    if share > 1:\n        raise nb.UsageError("share: at most 1")\n    # as'),
    "a refusal that names things first": (
        "    # as",
        '    if share > 1:\n        high = f"{share:g}"\n        raise nb.UsageError(f"share is {high}")\n    # as',
    ),
    "a function that only refuses, and its call": (
        '@nb.method("half", track="restore", cite="A, B, 2020")\n',
        "def bright(share: float) -> None:\n    import math\n\n    try:\n        level = math.log(share)\n"
        "    except ValueError:\n        raise nb.UsageError(1) from None\n    if level > 0:\n"
        "        raise nb.UsageError(2)\n\n\n"
        '@nb.method("half", track="restore", cite="A, B, 2020")\n@nb.checked(bright)\n',
    ),
    "a range": ("Annotated[float, Ge(0)]", "Annotated[float, Ge(0.1)]"),
    "no range, and no import of it": ("Annotated[float, Ge(0)]", "float"),
    "a check of parameters": (
        '@nb.method("half", track="restore", cite="A, B, 2020")\n',
        'def _bright(share: float) -> None:\n    if share > 1:\n        raise nb.UsageError(f"half: {share}")\n\n\n'
        '@nb.method("half", track="restore", cite="A, B, 2020")\n@nb.checked(_bright)\n',
    ),
    "a citation": ("A, B, 2020", "A, B, 2021"),
}
OTHER = {
    "a number": ("= 0.5", "= 0.25"),
    "a type": ("Annotated[float, Ge(0)]", "Annotated[int, Ge(0)]"),
    "what is raised": ("nb.Skip", "RuntimeError"),
    "a skip less": ('    if math.isnan(share):\n        raise nb.Skip("no share")\n', ""),
    "a ValueError, which may be caught": ("    # as", "    if share > 1:\n        raise ValueError(1)\n    # as"),
    "what an exception of its own carries": ('nb.Skip("no share")', "Found(share)"),
    "a refusal that draws": ("    # as", "    if np.random.rand() > 2:\n        raise nb.UsageError(1)\n    # as"),
    "a refusal that sets": ("    # as", "    if (share := share / 2) < 0:\n        raise nb.UsageError(1)\n    # as"),
    "a marker that is no range": ("Annotated[float, Ge(0)]", "Annotated[float, Ge(0), nb.Later()]"),
    "a decorator of another": ('cite="A, B, 2020")\n', 'cite="A, B, 2020")\n@own.checked(2)\n'),
    "what is done before a refusal": (
        "    # as",
        "    if share > 1:\n        print(1)\n        raise ValueError(1)\n    # as",
    ),
    "what is done in a function that refuses": (
        '@nb.method("half", track="restore", cite="A, B, 2020")\n',
        "def bright(share: float) -> None:\n    print(share)\n    if share > 0:\n        raise nb.UsageError(2)\n\n\n"
        '@nb.method("half", track="restore", cite="A, B, 2020")\n',
    ),
    "a function that sets something": (
        '@nb.method("half", track="restore", cite="A, B, 2020")\n',
        "def bright(net) -> None:\n    net.share = 1\n    if net.share > 2:\n        raise ValueError(2)\n\n\n"
        '@nb.method("half", track="restore", cite="A, B, 2020")\n',
    ),
    "what else would come": (
        'at most 9")\n    if math.isnan(share):',
        'at most 9")\n    elif math.isnan(share):',
    ),
    "where a name is from": ("import numpy as np", "import torch as np"),
    "a track": ('track="restore"', 'track="classify"'),
    "a kind of number": ("np.float32", "np.float64"),
}


def sha256(folder: Path, text: str, name: str) -> str:
    (folder / name).write_text(text)
    return syntax_sha256(folder / name)


@pytest.mark.parametrize("edit", SAME)
def test_what_changes_no_number_changes_no_hash(tmp_path: Path, edit: str) -> None:
    old, new = SAME[edit]
    assert CODE.count(old) == 1
    edited = CODE.replace(old, new)
    if edit.startswith("no range"):
        edited = edited.replace("from noisebench import Ge\n", "").replace("from typing import Annotated\n", "")
    assert sha256(tmp_path, edited, "b.py") == sha256(tmp_path, CODE, "a.py")


@pytest.mark.parametrize("edit", OTHER)
def test_what_the_code_does_is_in_its_hash(tmp_path: Path, edit: str) -> None:
    old, new = OTHER[edit]
    assert CODE.count(old) == 1
    assert sha256(tmp_path, CODE.replace(old, new), "b.py") != sha256(tmp_path, CODE, "a.py")


def test_a_method_of_the_name_of_a_refuser_is_in_the_hash(tmp_path: Path) -> None:
    refuser = "\n\ndef bright(share):\n    if share > 1:\n        raise nb.UsageError(1)\n"
    called, method = (
        CODE.replace("    # as", f"    {call}(share)\n    # as") + refuser for call in ("bright", "info.bright")
    )
    plain = sha256(tmp_path, CODE + refuser, "a.py")
    assert sha256(tmp_path, called, "b.py") == plain != sha256(tmp_path, method, "c.py")
    again = refuser.replace("raise nb.UsageError(1)", "return 1")
    assert sha256(tmp_path, called + again, "d.py") != sha256(tmp_path, CODE + refuser + again, "e.py")


def test_an_import_that_nothing_uses_is_in_the_hash(tmp_path: Path) -> None:
    """Another file may take the name from this one."""
    assert sha256(tmp_path, CODE + "from noisebench import Le\n", "b.py") != sha256(tmp_path, CODE, "a.py")


def test_a_file_that_is_no_python_is_its_bytes(tmp_path: Path) -> None:
    assert len({sha256(tmp_path, text, f"{i}.py") for i, text in enumerate(("def (", "def  ("))}) == 2


CLAIM = """
paper: P
url: https://example.org
kind: effect
claims:
  - name: half_is_dimmer
    where: "here"
    says: "Half the light, less PSNR."
    cells:
      whole: {method: "dimmed(share=1)", dataset: "piecewise(n=2, size=16)", regime: "gaussian(sigma=5)", metric: mae}
      half: {method: dimmed, dataset: "piecewise(n=2, size=16)", regime: "gaussian(sigma=5)", metric: mae}
    holds: "whole < half"
    seeds: [0, 1, 2]
"""
DIMMED = """import noisebench as nb


@nb.method("dimmed")
def dimmed(noisy, info, *, share: float = 0.5):
    return noisy * share
"""


def test_a_verdict_outlives_a_new_message_and_not_another_number(cli, tmp_path: Path) -> None:
    (tmp_path / "claim.yaml").write_text(CLAIM)
    words = ("reproduce", "--claims", "claim.yaml", "--plugin", "dimmed.py")
    guard = '    if share < 0:\n        raise nb.UsageError("share: at least 0")\n'
    guarded = DIMMED.replace("    return", guard + "    return")

    def verdict(code: str, *more: str) -> str:
        (tmp_path / "dimmed.py").write_text(code)
        row = json.loads(cli(*words, *more, "--json").stdout)["claims"][0]
        return row["verdict"] + (" stale" if row.get("stale") else "")

    assert verdict(DIMMED, "--store", "s") == "reproduced"
    cli(*words, "--from", "s", "--to", "v.json")
    assert verdict(guarded, "--from", "v.json") == "reproduced"
    assert verdict(guarded, "--from", "s") == "reproduced stale", "a cell is kept by the bytes of its method"
    assert verdict(DIMMED.replace("0.5", "0.25"), "--from", "v.json") == "reproduced stale"
