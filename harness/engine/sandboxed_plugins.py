"""Plug-ins whose code stays in a sandbox: a process there imports one and binds its specs, and is not believed."""

from __future__ import annotations

import inspect
import socket
import subprocess
import sys
import types
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from ..components import plugins
from ..components.entry import Entry, origin
from ..components.registry import REGISTRIES, Bound, bind, registry
from ..planning.cells import declared_flags
from ..spec.parameter_types import nested_in
from ..spec.parsing import Spec, parse
from ..text.errors import Invalid, UsageError, one_line
from .channel import HungUp, answer, ask, hear, read_answer
from .method_process import limit_data
from .sandbox import Confinement, command, named_paths

_CALLED_INSIDE = ("method", "arch", "objective", "loss", "optimizer", "schedule", "part")
"""Kinds whose components are called in the method's process alone."""
_MARKS = ("trained", "settles", "external")
_PARTS = ("setup", "figures", "before_validation", "finish", "denoised")


def import_in_sandbox(given: Confinement, specs: Sequence[str]) -> None:
    """Have each plug-in of this process imported in a sandbox of its own; what the `specs` name can be read there."""
    named = [path for spec in specs for path in named_paths(spec)]
    plugins.import_elsewhere(lambda module: _register(module, given, named))


class _Inside:
    """A component of a plug-in, whose code is in a sandbox. It can be bound, and not called."""

    def __init__(self, name: str, module: types.ModuleType, line: socket.socket, answer: Mapping[str, Any]) -> None:
        self.name, self.module, self.line = name, module, line
        self.__module__, self.__qualname__, self.__doc__ = str(module.__name__), name, ""
        for mark in _MARKS:
            setattr(self, mark, mark in answer["marks"])
        for part in _PARTS:
            if part in answer["marks"]:
                setattr(self, part, self)

    def __call__(self, *args: object, **kwargs: object) -> NoReturn:
        raise UsageError(f"{self.name!r} of plug-in {self.module.__file__} is called in the sandbox alone")

    def bound_elsewhere(self, spec: Spec, kind: str, track: str) -> Bound:
        """What a spec means, as the process in the sandbox says it; specs within it are bound here."""
        if kind not in _CALLED_INSIDE:
            raise UsageError(
                f"{kind} {self.name!r} comes from a plug-in, whose code may see no clean item with --sandbox: leave "
                f"--sandbox out, or take a {kind} of noisebench"
            )
        bound = _answer(self.line, str(self.module.__file__), "bind", str(spec), kind, track)
        texts = [bound["canonical"], bound["display"]]
        if any(not isinstance(text, str) or parse(text).name != self.name for text in texts):
            raise UsageError(f"plug-in {self.module.__file__}: {kind} {self.name!r} gives itself another name")
        kwargs: dict[str, Any] = dict(bound["plain"])
        inner: list[Bound] = []
        for name, (many, inner_kind, place, specs) in bound["nested"].items():
            nested = tuple(bind(one, inner_kind, place) for one in specs)
            kwargs[name] = nested if many else nested[0]
            inner += nested
        obj = _Inside(self.name, self.module, self.line, bound)
        vars(obj).update(flags=staticmethod(lambda **_: bound["flags"]), weight_files=lambda **_: bound["weights"])
        entry = Entry(self.name, obj, int(bound["version"]), dict(bound["meta"]))
        vars(entry)["params"] = {}
        return Bound(entry, kwargs, texts[0], texts[1], inner=tuple(inner), track=track)


def _register(module: types.ModuleType, given: Confinement, named: Sequence[str]) -> None:
    """Import a plug-in in a sandbox, and register what it registers there."""
    line, far = socket.socketpair()
    words = ["-m", __name__, str(far.fileno()), str(module.__file__), str(given.memory)]
    words = command(given, [str(module.__file__)], named, words)
    with far:
        subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=2, pass_fds=[far.fileno()])
    for kind, track, name, version, marks in _answer(line, str(module.__file__), "entries"):
        entry = Entry(name, _Inside(name, module, line, {"marks": marks}), int(version))
        registry(kind, track).add(entry)


def _answer(line: socket.socket, file: str, *question: Any) -> Any:
    """What the process in the sandbox answers. Raises `UsageError`."""
    try:
        ask(line, *question)
        reply = read_answer(line)
        if "error" in reply:
            raise UsageError(one_line(reply["error"], 1000))
        return reply["value"]
    except (HungUp, Invalid, TypeError, KeyError) as error:
        problem = "ends the process while it is imported" if isinstance(error, HungUp) else "gives no answer"
        raise UsageError(f"plug-in {one_line(file)} {problem}, in the sandbox") from None


def main(descriptor: str, file: str, memory: str) -> None:
    """The process in the sandbox: import a plug-in, and answer until the other side hangs up."""
    line = socket.socket(fileno=int(descriptor))
    limit_data(int(memory))
    while True:
        try:
            verb, *words = hear(line)
        except HungUp:
            return
        try:
            plugins.load_plugin(file)
            answer(line, {"value": _entries() if verb == "entries" else _bound(*words)})
        except (UsageError, Invalid) as error:
            answer(line, {"error": str(error)})


def _entries() -> list[list[Any]]:
    """What is registered that is not of noisebench."""
    return [
        [kind, track, entry.name, entry.version, _marks(entry)]
        for (kind, track), entries in list(REGISTRIES.items())
        for entry in entries.entries()
        if not origin(entry.obj)[0].startswith("noisebench.")
    ]


def _bound(text: str, kind: str, track: str) -> dict[str, Any]:
    """What a spec means, and what is declared of it."""
    bound = bind(text, kind, track)
    entry, nested, plain = bound.entry, {}, {}
    for name, (annotation, _) in entry.params.items():
        inside, value = nested_in(annotation), bound.kwargs[name]
        if inside is None or value is None:
            plain[name] = value
            continue
        ones = value if inside.many else (value,)
        nested[name] = [inside.many, inside.kind, inside.track or track, [one.canonical for one in ones]]
    files = getattr(entry.obj, "weight_files", None)
    return {
        "canonical": bound.canonical, "display": bound.display, "version": entry.version,
        "meta": {name: value for name, value in entry.meta.items() if not callable(value)},
        "marks": _marks(entry), "plain": plain, "nested": nested, "flags": declared_flags(bound),
        "weights": dict(files(**bound.kwargs)) if files is not None else {},
    }  # fmt: skip


def _marks(entry: Entry) -> list[str]:
    marked = [name for name in _MARKS if getattr(entry.obj, name, False)]
    return [*marked, *(name for name in _PARTS if inspect.isroutine(getattr(entry.obj, name, None)))]


if __name__ == "__main__":
    main(*sys.argv[1:])
