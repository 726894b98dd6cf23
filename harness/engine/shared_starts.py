"""Trainings of one recipe that differ in their number of steps: where no step depends on it, a longer one starts where
a shorter one ended."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path

from ..components.entry import origin
from ..components.registry import Bound
from ..components.sources import sources_of
from ..planning.cells import PlannedCell
from ..planning.recipe import Recipe
from ..spec.parsing import Spec, parse, show
from ..store.keys import key_of
from .messages import Job

_PACKAGE = f"{__name__.partition('.')[0]}."
_HOOKS = ("batch", "loss", "before_step", "after_step", "observe")
"""Of a part: each is given the step, and how many there are."""


def start_file(job: Job, recipe: Recipe) -> Path | None:
    """Where the end of a training lies that longer ones of its recipe start from; None where they start from nothing.

    It is of this noisebench, machine and number of threads alone, so that both ways give the same bytes.
    """
    inputs = _inputs_but_steps(job.cell)
    if inputs is None or not ignores_steps(recipe):
        return None
    return Path(job.store, "starts", key_of({**inputs, "environment": job.environment, "harness": job.harness}))


def shorter_ones(cells: Iterable[PlannedCell]) -> dict[str, set[str]]:
    """The key of each training with the keys of those of its recipe that have fewer steps, where it may start there."""
    alike: dict[str, list[tuple[int, str]]] = {}
    for cell in cells:
        if (inputs := _inputs_but_steps(cell)) is not None:
            alike.setdefault(key_of(inputs), []).append((_steps(cell), cell.key))
    return {key: {other for fewer, other in group if fewer < steps} for group in alike.values() for steps, key in group}


def ignores_steps(recipe: Recipe) -> bool:
    """Whether no step of a training depends on how many there are; only what comes with noisebench is known not to."""
    components = (recipe.arch, recipe.objective, *recipe.parts)
    return (
        recipe.schedule.entry.name == "constant"
        and recipe.stop.entry.name == "steps"
        and recipe.keep == "last"
        and all(origin(entry.obj)[0].startswith(_PACKAGE) for one in components for entry in one.entries)
        and not any(_uses_steps(part.entry.obj) for part in recipe.parts)
        and not _names_progress(components)
    )


def _uses_steps(part: object) -> bool:
    """Whether a hook of a part uses its last parameter, the number of steps."""
    for hook in (getattr(part, verb) for verb in _HOOKS if hasattr(part, verb)):
        (function,) = ast.parse(textwrap.dedent(inspect.getsource(hook))).body
        if not isinstance(function, ast.FunctionDef) or function.args.vararg or function.args.kwarg:
            return True
        steps = function.args.args[-1].arg
        if any(isinstance(node, ast.Name) and node.id == steps for node in ast.walk(function)):
            return True
    return False


def _names_progress(components: Sequence[Bound]) -> bool:
    """Whether a source file of components names the part of a batch that says which share of the steps is done."""
    for name in sources_of(components):
        package, _, below = name.partition("/")
        folder = Path(str(import_module(package).__file__)).parent
        if '"progress"' in (folder / below).read_text(encoding="utf-8"):
            return True
    return False


def _inputs_but_steps(cell: PlannedCell) -> dict[str, object] | None:
    """What goes into the key of a training but for its steps and checks; None where the rate is not constant."""
    if cell.kind != "train" or "schedule=constant" not in cell.method.spec:
        return None
    spec = parse(cell.method.spec)
    args = dict(spec.args)
    if args.get("schedule") != Spec("constant") or not isinstance(args.get("steps"), int):
        return None
    others = tuple((name, value) for name, value in spec.args if name not in ("steps", "checks"))
    return {**cell.inputs, "method": {**cell.inputs["method"], "spec": show(Spec(spec.name, others), full=True)}}


def _steps(cell: PlannedCell) -> int:
    steps = dict(parse(cell.method.spec).args)["steps"]
    assert isinstance(steps, int)
    return steps
