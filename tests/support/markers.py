"""Markers of tests by what they use, and `slow` for those that take long: `make quick` leaves all of them out.

What a test uses is read from its code, from that of its fixtures, and from what they call in tests/. A test without
a marker of that kind may start no process: `ProcessWatch` fails it. Where a spec starts one, a test is marked by hand.
Which other tests take longer than SECONDS stands in tests/slow_tests.txt, which `make slow-tests` measures.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

DESCRIPTIONS = {
    "cli": "calls a command", "browser": "opens a page in a browser", "subprocess": "starts a process",
    "training": "trains a network",
}  # fmt: skip
FIXTURES = {"cli": "cli", "chromium": "browser"}
"""The marker of each fixture that has one."""
NAMES = {
    "cli": {"noisebench.cli", "called_here", "remake_boards"},
    "subprocess": {
        "subprocess", "multiprocessing", "nbclient", "shell", "warm_folder", "fork",
        "noisebench.claims.reproduce", "noisebench.cli.doctor", "noisebench.engine.cluster",
        "noisebench.engine.examination_process",
        "noisebench.engine.planning_process", "noisebench.engine.pool", "noisebench.engine.read_ahead",
        "noisebench.engine.run", "noisebench.engine.sandbox", "noisebench.engine.training_on_demand",
        "noisebench.methods.restore.command", "noisebench.report.bundle.write",
    },
    "training": {"noisebench.training.trainer", "backward"},
}  # fmt: skip
"""The modules, functions and methods of which a test that uses one has a marker."""
STARTS = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "os.exec", "os.spawn"}
"""Audit events of a new process."""
TESTS = str(Path(__file__).resolve().parents[1])
SECONDS = 0.2
SLOW = frozenset(Path(TESTS, "slow_tests.txt").read_text(encoding="utf-8").split())
"""Tests without another marker of which a case takes longer than SECONDS, as `tests/FILE::FUNCTION`."""


def mark(item: pytest.Function) -> None:
    """Give a test the markers of what it uses."""
    used = uses(item)
    for name in DESCRIPTIONS:
        of_fixture = any(FIXTURES.get(fixture) == name for fixture in item.fixturenames)
        if of_fixture or used & NAMES.get(name, set()):
            item.add_marker(name)
    if without_case(item.nodeid) in SLOW:
        item.add_marker("slow")


def without_case(name: str) -> str:
    """The name of a test without the parameters of its case."""
    return name.partition("[")[0]


def uses(item: pytest.Function) -> set[str]:
    """Names of modules, functions and attributes that the code of a test uses."""
    fixtures = [one.func for defined in item._fixtureinfo.name2fixturedefs.values() for one in defined]
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return reached(item.function, *fixtures) | reached.__wrapped__(*parameters)


@functools.cache
def reached(*starts: Any) -> set[str]:
    """Names of modules, functions and attributes that these use, and what they call in tests/."""
    todo = list(starts)
    names: set[str] = set()
    seen: set[int] = set()
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, ModuleType):
            names.add(one.__name__)
        elif isinstance(one, (FunctionType, type)):
            names |= {one.__name__, one.__module__}
        if isinstance(one, FunctionType) and one.__code__.co_filename.startswith(TESTS):
            used = set(named(one.__code__))
            names |= used - one.__globals__.keys()
            todo += [one.__globals__[name] for name in used & one.__globals__.keys()]
            todo += [cell.cell_contents for cell in one.__closure__ or ()]
        elif isinstance(one, type) and lies_in_tests(one):
            todo += vars(one).values()
        if hasattr(one, "__dict__"):
            todo.append(vars(one).get("__wrapped__"))
    return names


def lies_in_tests(one: type) -> bool:
    """Whether a class is one of tests/."""
    return str(getattr(sys.modules.get(one.__module__), "__file__", "")).startswith(TESTS)


def named(code: CodeType) -> Iterator[str]:
    """Names of globals, attributes and imports in some code and the functions within it."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from named(inner)


def is_importing() -> bool:
    """Whether a module is being imported: what a library starts then, such as `lscpu`, is not of the test."""
    frame = sys._getframe()
    while frame is not None and frame.f_code.co_filename != "<frozen importlib._bootstrap>":
        frame = frame.f_back  # type: ignore[assignment]
    return frame is not None


class ProcessWatch:
    """Fails a test that starts a process where that is not `allowed`."""

    def __init__(self) -> None:
        self.allowed = True
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in STARTS or self.allowed:
            return
        looks_for_a_library = str(arguments[:1]).endswith("ldconfig',)")  # as threadpoolctl, once
        if not is_importing() and not looks_for_a_library:
            pytest.fail(f"a test without a marker starts a process ({event}): give it @pytest.mark.subprocess")
