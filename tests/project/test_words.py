"""Names say what they hold: no riddle such as `told` or `found`, and no class name for two things.

A new riddle joins `RIDDLES` when it is mended.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RIDDLES = frozenset({
    "ahead", "few", "found", "going_on", "heard", "held", "here", "how", "left", "lost", "made", "met", "often", "own",
    "said", "seeing", "speaking", "spoken_of", "there", "told", "untold", "what", "which", "within",
})  # fmt: skip
"""Names that say nothing of what they hold; `_told` and `TOLD` are the same word."""
DONE = ("harness", "datasets", "methods")
"""Packages without riddles."""
PUBLIC = frozenset({
    ("harness/track/dataset_protocol.py", "made"),  # plug-ins define `made(index)` of a dataset
    *((f"datasets/{place}.py", "made") for place in (  # which these do
        "audio/_keyed_clips", "classify/half_space", "classify/masked_by_gradient", "classify/signal_coordinate",
        "restore/dead_leaves", "restore/sar_to_optical", "restore/textured_leaves", "segment/ellipses",
    )),
    ("harness/tracks/generate/token_model.py", "told"),  # plug-ins define it of a network of tokens
    ("harness/tracks/matrix/metrics/recovered.py", "within"),  # `recovered(within=0.01)` is a spec
    ("harness/tracks/segment/metrics/boundary_f.py", "within"),  # so is `boundary_f(within=1)`
    ("harness/imaging/validation.py", "said"),  # `restore` passes it by name, and its syntax is in stored verdicts
    ("methods/generate/exact_tokens.py", "told"),  # plug-ins define `told` of a model of tokens
    ("methods/recipes/archs/mar.py", "told"),  # the same, and a layer
    # Parameters of specs.
    ("methods/classify/dual_smoothed.py", "left"),
    ("methods/generate/interpolated.py", "how"),
    ("methods/restore/dip.py", "held"),
    # Layers, whose weights lie under these names in files.
    ("methods/generate/_npnet.py", "told"),
    ("methods/recipes/archs/class_mask_unet.py", "told"),
    ("methods/recipes/archs/diffusion_unet.py", "told"),
    ("methods/recipes/archs/embedding.py", "met"),
    *((f"methods/recipes/archs/{arch}.py", "within") for arch in (
        "conditional_diffusion", "ediffsr", "edm", "embedding", "mask_unet", "masked", "one_stage", "rddm", "sgmse",
        "standardised", "token", "upsampled",
    )),
})  # fmt: skip
"""Riddles that others use by name."""
SHARED = {
    "Answers": 2, "Attention": 2, "Block": 3, "Energy": 2, "Recipe": 2, "Search": 2, "_Pictures": 2,
}  # fmt: skip
"""Names of so many classes each, which are in the keys of stored cells."""


def bound_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of all that code binds: modules, classes, functions, parameters, variables and attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id if isinstance(node, ast.Name) else node.attr
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.alias) and node.asname:
            yield node.lineno, node.asname
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.lineno, node.name


def riddles_of(file: Path, root: Path) -> list[str]:
    """`file:line: name` of each riddle in a source file."""
    short = file.relative_to(root).as_posix()
    names = [(1, file.stem), *sorted(bound_names(ast.parse(file.read_text(encoding="utf-8"))))]
    return [
        f"{short}:{line}: {name}"
        for line, name in names
        if name.strip("_").lower() in RIDDLES and (short, name) not in PUBLIC
    ]


@pytest.mark.parametrize("place", DONE)
def test_no_name_is_a_riddle(place: str) -> None:
    path = ROOT / place
    files = [path] if path.suffix else sorted(path.rglob("*.py"))
    riddles = [riddle for file in files for riddle in riddles_of(file, ROOT)]
    assert files and not riddles, "rename by what it holds: " + ", ".join(riddles)


def test_no_two_classes_have_the_same_name() -> None:
    places: dict[str, list[str]] = {}
    for file in (file for place in DONE for file in sorted((ROOT / place).rglob("*.py"))):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(f"{file.relative_to(ROOT)}:{node.lineno}")
    shared = {name: of for name, of in places.items() if len(of) != SHARED.get(name, 1)}
    assert not shared, f"give each class a name of its own: {shared}"


def test_every_way_to_bind_a_name_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "_told.py"
    file.write_text(
        "import json as held\n"
        "class Found: ...\n"
        "def made(own, *, few=1, **left): ...\n"
        "async def _within(): ...\n"
        "SAID: int = 1\n"
        "for there in (lambda what: what, [1 for how in ()]): ...\n"
        "if here := 1: ...\n"
        "try: file.lost = 1\n"
        "except ValueError as met: ...\n"
        "match 1:\n"
        "    case [*often, which]: ...\n"
        "print(told, own, within=1)\n"
    )
    expected = {
        1: ["_told", "held"], 2: ["Found"], 3: ["few", "left", "made", "own"], 4: ["_within"], 5: ["SAID"],
        6: ["how", "there", "what"], 7: ["here"], 8: ["lost"], 9: ["met"], 11: ["often", "which"],
    }  # fmt: skip
    assert sorted(riddles_of(file, tmp_path)) == sorted(
        f"_told.py:{line}: {name}" for line, names in expected.items() for name in names
    )
