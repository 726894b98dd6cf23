"""Planning in a child of its own, so that the parent imports no method: suite in, cells out."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypedDict, cast

from ..planning.cells import PlannedCell
from ..planning.replan import Replanned
from ..store.cell import Request
from ..store.cell_json import checked, plain_values
from ..store.garbage_collection import no_collection
from ..suite.suite import CostPlan, Limits, Suite
from ..text.errors import UsageError, one_line, text_of
from ..text.extras import absent_extra, needs_packages
from .packing import packed, packed_plan, unpacked, unpacked_plan
from .sandbox import Confinement


class Planned(TypedDict):
    """The cells of a suite, the names that it gives to methods and datasets (kind → canonical spec → name), what is to
    be imported before them, the environment that they were planned in, what `keep_parts` takes, and a line for each
    method that is left out."""

    cells: list[PlannedCell]
    left_out: list[str]
    names: dict[str, dict[str, str]]
    preload: list[str]
    environment: dict[str, Any]
    kept: dict[str, str]


def plan_in_child(
    suite: Suite,
    devices: Sequence[str] | None = None,
    sandbox: Confinement | None = None,
    store: Path | None = None,
) -> Planned:
    """All cells of a suite, where they are only looked at: a run has its pool plan them. Raises `UsageError`."""
    named = (suite.device,) if devices is None else devices
    return cast(Planned, _ask_child(request_of(suite, named, sandbox, store)))


def request_of(
    suite: Suite, devices: Sequence[str], sandbox: Confinement | None = None, store: Path | None = None
) -> dict[str, Any]:
    """What a child is asked, to have it plan a suite; `devices` are those that must be here. Plug-ins are imported in
    the `sandbox`, if there is one; what `store` has kept of datasets is not read again."""
    request: dict[str, Any] = {"verb": "plan", "suite": dataclasses.asdict(suite), "devices": list(devices)}
    if store is not None:
        request["store"] = os.path.abspath(store)
    return request if sandbox is None else {**request, "sandbox": plain_values(sandbox)}


def check_devices_in_child(devices: Sequence[str]) -> None:
    """Raise `UsageError` where one of the devices is not here."""
    if set(devices) - {"cpu"}:
        _ask_child({"verb": "check", "devices": list(devices)})


class PlannedEach(TypedDict):
    """The cells of each of several suites, or a text that says why there are none; what is to be imported before the
    cells of each track, and the environment that they were planned in."""

    plans: list[list[PlannedCell] | str]
    preload: dict[str, list[str]]
    environment: dict[str, Any]


def plan_each_in_child(suites: Sequence[Suite]) -> PlannedEach:
    """The cells of each suite; all are of one device. Raises `UsageError` where it is not there."""
    fields = [dataclasses.asdict(suite) for suite in suites]
    answer = _ask_child({"verb": "plan each", "suites": fields, "devices": [suites[0].device]})
    plans = [cells if isinstance(cells, str) else unpacked_plan(cells) for cells in answer["plans"]]
    return cast(PlannedEach, {**answer, "plans": plans})


def replan_in_child(requests: Sequence[Request]) -> list[Replanned]:
    """What each stored request would be made of now. Raises `UsageError`."""
    replanned: list[Replanned] = _ask_child({"verb": "replan", "requests": packed(requests)})["found"]
    return replanned


def catalogue_in_child(
    kind: str, track: str, plugins: Sequence[str], only: str = "", *, brief: bool = False
) -> list[dict[str, Any]]:
    """What is registered of a kind, of one track or (empty) of all, or `only` of one name. Raises `UsageError`."""
    files = [os.path.abspath(p) for p in plugins]
    asked = {"verb": "list", "kind": kind, "track": track, "plugins": files, "only": only, "brief": brief}
    entries: list[dict[str, Any]] = _ask_child(asked)["entries"]
    return entries


def _ask_child(request: dict[str, Any]) -> dict[str, Any]:
    """Have a child answer `request`. Raises `UsageError` with the child's one line."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "noisebench.engine.planning_process"],
        input=json.dumps(request).encode(),
        stdout=subprocess.PIPE,
        check=False,
    )
    return answer_in(done.stdout, done.returncode)


def answer_in(output: bytes, code: int) -> dict[str, Any]:
    """What a child that ended with `code` has answered. Raises `UsageError` with its one line."""
    try:
        answer = json.loads(output.strip().rpartition(b"\n")[2])
    except ValueError:
        raise UsageError(
            f"planning ended with code {code} before it was done: a plug-in or dataset ends the process "
            "while it is imported"
        ) from None
    if "error" in answer:
        raise UsageError(answer["error"])
    with no_collection():
        return {name: _UNPACKED[name](value) if name in _UNPACKED else value for name, value in answer.items()}


_UNPACKED: dict[str, Callable[[Any], Any]] = {
    "cells": unpacked_plan,
    "found": lambda given: unpacked(given, Replanned),
}
"""Of an answer, the lists of many objects that have much in common: each part that several share is sent once."""


def suite_of(fields: dict[str, Any]) -> Suite:
    """A `Suite` back from its dictionary."""
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
    values["limits"] = Limits(**fields["limits"])
    cost = fields["cost"]
    values["cost"] = CostPlan(tuple(tuple(s) for s in cost["sizes"]), cost["repeats"])
    return Suite(**values)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    from .environment import check_device, environment

    for device in request.get("devices", ()):
        check_device(device)
    if request["verb"] == "check":
        return {}
    if request["verb"] == "plan":
        from ..planning.kept_parts import KeptParts
        from ..planning.plan import named_specs, plan_columns, without_absent
        from ..planning.trainings import ReadOnce

        suite = suite_of(request["suite"])
        if "sandbox" in request:
            from .sandboxed_plugins import import_in_sandbox

            import_in_sandbox(checked(request["sandbox"], Confinement), suite.methods)
        kept = KeptParts(Path(request["store"])) if "store" in request else None
        left_out: list[str] = []
        try:
            cells = plan_columns(suite, ReadOnce(kept))
        except UsageError:
            suite, left_out = without_absent(suite)
            if not left_out or not suite.methods:
                raise
            cells = plan_columns(suite, ReadOnce(kept))
        return {
            "left_out": left_out,
            "kept": {} if kept is None else kept.new,
            "cells": packed_plan(cells),
            "names": named_specs(suite),
            "preload": _preload(cells.templates, suite.track),
            "environment": environment(),
        }
    if request["verb"] == "plan each":
        from ..planning.plan import plan_each

        plans = plan_each(suite_of(fields) for fields in request["suites"])
        by_track: dict[str, list[PlannedCell]] = {}
        for cell in (one for cells in plans if not isinstance(cells, UsageError) for one in cells.templates):
            by_track.setdefault(cell.track, []).append(cell)
        return {
            "plans": [str(cells) if isinstance(cells, UsageError) else packed_plan(cells) for cells in plans],
            "preload": {track: _preload(cells, track) for track, cells in by_track.items()},
            "environment": environment(),
        }
    if request["verb"] == "replan":
        from ..planning.replan import replan

        return {"found": packed(replan(unpacked(request["requests"], Request)))}
    if request["verb"] == "list":
        from ..components.catalogue import catalogue

        asked = (request[name] for name in ("kind", "track", "plugins", "only"))
        return {"entries": catalogue(*asked, brief=request["brief"])}
    raise UsageError(f"unknown request {one_line(request['verb'])!r}")


_LIBRARIES = ("cv2", "networkx", "pandas", "scipy", "skimage", "sklearn", "soundfile", "torch", "torchvision")
"""What may be imported before a process is forked: these start no threads then."""


def _preload(cells: Sequence[PlannedCell], track: str) -> list[str]:
    """What is to be imported before cells of one track, and what is trained for them.

    Of well-known libraries it is what this plan has imported: the processes of its cells would, each for itself.
    """
    from ..components.tracks import get_track
    from ..cost.measure import PRELOAD
    from ..planning.plan import preload_for

    measured = PRELOAD if any(cell.kind in ("cost", "train") for cell in cells) else ()
    declared = [*measured, *preload_for(cells, get_track(track))]
    return [*declared, *(name for name in _imported() if name not in declared)]


def _imported() -> list[str]:
    """The public packages of `_LIBRARIES` that are imported, with those one level below them."""
    names = (name for name in sys.modules if name.partition(".")[0] in _LIBRARIES)
    return sorted(name for name in names if name.count(".") < 2 and "._" not in name)


def main() -> None:
    """Read one request from standard input, write one JSON line; what plug-ins print goes to standard error."""
    out = os.dup(1)
    os.dup2(2, 1)
    reply(json.loads(sys.stdin.buffer.read()), out)


def reply(request: dict[str, Any], out: int) -> None:
    """Write the answer to a request as one JSON line to a descriptor, which is closed."""
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        with no_collection():
            answer = _answer(request)
    except KeyboardInterrupt:  # the parent, which is stopped too, says so
        os._exit(130)
    except UsageError as error:
        answer = {"error": one_line(error, 10_000)}
    except OSError as error:
        answer = {"error": one_line(f"{error.strerror or error}: {error.filename or ''}")}
    except Exception as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        failed = f"planning failed at {at.filename}:{at.lineno}: {type(error).__name__}: {text_of(error)}"
        package = absent_extra(error)
        answer = {"error": needs_packages([package]) if package else one_line(failed)}
    with os.fdopen(out, "wb") as file:
        file.write(b"\n" + json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    main()
