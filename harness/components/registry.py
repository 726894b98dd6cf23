"""Registries by kind and track, and the binding of specs. A built-in component is found by its file name."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..spec.parameter_types import Nested, nested_in, type_text
from ..spec.parsing import Spec, Value, expand, parse, show
from ..text.errors import UsageError, nearest, one_line
from ..text.extras import absent_extra, needs_packages
from ..text.wording import by_number
from .built_in import first_line_of, installed_entry_points, modules_in
from .entry import Entry as Entry
from .entry import origin
from .parameter_values import checked_value, is_later, refuse_unwritten


class Registry:
    """Names to entries of one kind and track. A built-in component is the module of its name, imported on first use."""

    def __init__(
        self, kind: str, track: str = "", package: str = "", group: str | None = None, *, leaf: str = ""
    ) -> None:
        self.kind = kind
        self.track = track
        self._entries: dict[str, Entry] = {}
        self._package = package
        self._leaf = leaf
        self._group = group
        self._points: dict[str, str] | None = None

    def add(self, entry: Entry) -> None:
        """Register. Raises `UsageError` where the name is taken by another object."""
        if not entry.name.isidentifier():
            raise UsageError(f"{self.kind} name {one_line(entry.name)!r} is not an identifier (letters, digits, _)")
        existing = self._entries.get(entry.name)
        if existing is not None and origin(existing.obj) != origin(entry.obj):
            raise UsageError(
                f"{self.kind} {entry.name!r} is registered twice: in {origin(existing.obj)[0]} and in "
                f"{origin(entry.obj)[0]}; rename one of them"
            )
        owner = self._home(entry.name)
        if owner is not None and owner != origin(entry.obj)[0]:
            raise UsageError(f"{self.kind} {entry.name!r} is taken by {owner}; choose another name")
        self._entries[entry.name] = entry

    def names(self) -> list[str]:
        """All names, sorted by the numbers in them; imports nothing."""
        lender = self._lender()
        lent = lender.names() if lender else ()
        return sorted({*self._entries, *self._built_in(), *self._from_points(), *lent}, key=by_number)

    def _elsewhere(self, name: str) -> str:
        """Where a name may be at home that is not like any known one: another track, or what the user has."""
        tracks = registry("track", "").names() if self.track else []
        for track in tracks:
            if track != self.track and name in registry(self.kind, track).names():
                return f"it is one of the track {track}: --track {track}"
        files = "folder(path=…), or " if "folder" in self.names() else ""
        return f"your own is named by {files}--plugin FILE"

    def get(self, name: str) -> Entry:
        """The entry. Raises `UsageError` with the nearest match, or naming what failed to import."""
        if not isinstance(name, str):
            raise UsageError(f"a {self.kind} is named by text, not {type(name).__name__}")
        if name not in self._entries:
            module = self._home(name) or self._from_points().get(name)
            lender = self._lender() if module is None else None
            if lender is not None and name in lender.names():
                return lender.get(name)
            if module is None:
                other = [k for k in NAMED_KINDS if k != self.kind and name in registry(k, self.track).names()]
                hint = f"it is a {other[0]}" if other else nearest(name, self.names())
                if hint.startswith("known: ") and self.kind in NAMED_KINDS:
                    hint += f"; {self._elsewhere(name)}"
                raise UsageError(f"unknown {self.kind} {one_line(name)!r}: {hint}")
            try:
                importlib.import_module(module)
            except UsageError:
                raise
            except Exception as error:
                if package := absent_extra(error):
                    raise UsageError(f"{self.kind} {name!r} {needs_packages([package])}") from error
                raise UsageError(
                    f"{self.kind} {name!r}: importing {module} failed: {type(error).__name__}: {one_line(error)}"
                ) from error
            if name not in self._entries:
                raise UsageError(f"{self.kind} {name!r}: {module} does not register it")
        return self._entries[name]

    def about(self, name: str) -> str:
        """The first line of a docstring; of a built-in component it is read from its file, which is not imported.

        Empty where only an import can say it.
        """
        if name in self._entries:
            return self._entries[name].doc
        if module := self._home(name):
            return first_line_of(module, name)
        lender = None if name in self._from_points() else self._lender()
        return lender.about(name) if lender is not None else ""

    def track_of(self, name: str) -> str:
        """The track of a component, of one that is borrowed that of the lender; empty of a kind that no track owns."""
        is_own = name in self._entries or self._home(name) or name in self._from_points()
        lender = None if is_own else self._lender()
        return lender.track if lender is not None else self.track

    def built_in(self) -> frozenset[str]:
        """The names of built-in components, those of a lender too; imports none of them."""
        lender = self._lender()
        return self._built_in() | (lender.built_in() if lender is not None else frozenset())

    def name_of(self, obj: Any) -> str:
        """The name under which this very function or class is registered, or an empty text; imports nothing."""
        return next((name for name, entry in self._entries.items() if entry.obj is obj), "")

    def entries(self) -> list[Entry]:
        """The entries registered so far; imports nothing."""
        return list(self._entries.values())

    def _lender(self) -> Registry | None:
        """The registry of another track whose components serve in this one, beside its own."""
        if not self.track or self.kind in _OWN_PACKAGES or self.track not in (tracks := registry("track", "")).names():
            return None
        lender = getattr(tracks.get(self.track).obj(), "borrows", {}).get(self.kind)
        return registry(self.kind, lender) if lender not in (None, self.track) else None

    def _built_in(self) -> frozenset[str]:
        return modules_in(self._package, self._leaf)

    def _home(self, name: str) -> str | None:
        """The module that a built-in name is registered by."""
        if name not in self._built_in():
            return None
        return f"{self._package}.{name}" + (f".{self._leaf}" if self._leaf else "")

    def _from_points(self) -> Mapping[str, str]:
        """Names of entry points → their modules."""
        if self._points is None:
            self._points = {}
            if self._group is not None:
                points = installed_entry_points().select(group=self._group)
                self._points = {p.name: p.value.partition(":")[0] for p in points}
        return self._points


REGISTRIES: dict[tuple[str, str], Registry] = {}
NAMED_KINDS = ("method", "dataset", "regime", "metric", "protocol")
_OWN_PACKAGES = ("method", "dataset")
"""Kinds whose components lie in packages of their own, written with the public API only."""
RECIPE_KINDS = {
    "arch": "archs", "objective": "objectives", "loss": "losses", "optimizer": "optimizers", "schedule": "schedules",
    "part": "parts", "sampler": "samplers", "stop": "stops",
}  # fmt: skip
"""Kinds of the choices of a recipe → their folders in `noisebench.recipes`. No track owns them."""


def registry(kind: str, track: str = "restore") -> Registry:
    """The registry of a kind, such as `method` or `metric`, of a track; `track=""` for kinds that no track owns.

    Built-in components are the modules of one package: `noisebench.methods.<track>`, `noisebench.datasets.<track>`,
    `noisebench.tracks.<track>.<kind>s`, `noisebench.recipes.<kind>s`. Others come by decorator, or by entry point of
    the group `noisebench.<kind>s`, with `.<track>` behind it where that is not `restore`.
    """
    if kind in RECIPE_KINDS:
        track = ""
    key = kind, track
    if key not in REGISTRIES:
        root = __name__.partition(".")[0]
        group = f"{root}.{kind}s" if track in ("", "restore") else f"{root}.{kind}s.{track}"
        if kind == "track":
            new = Registry(kind, track, f"{root}.tracks", group, leaf="track")
        elif kind in RECIPE_KINDS:
            new = Registry(kind, track, f"{root}.recipes.{RECIPE_KINDS[kind]}", group)
        elif kind in _OWN_PACKAGES:
            new = Registry(kind, track, f"{root}.{kind}s.{track}", group)
        else:
            new = Registry(kind, track, f"{root}.tracks.{track}.{kind}s", group)
        REGISTRIES[key] = new
    return REGISTRIES[key]


@dataclass(frozen=True)
class Bound:
    """A spec whose names and values are checked: what to call with which arguments, and how it prints.

    For example:

        >>> bound = nb.bind("gaussian(sigma=25) + jpeg(quality=40)", "regime")
        >>> [part.entry.name for part in bound.parts], bound.kwargs["sigma"]
        (['gaussian', 'jpeg'], 25.0)
        >>> bound.parts[1].canonical
        "jpeg(chroma='4:2:0', quality=40)"
    """

    entry: Entry
    kwargs: Mapping[str, Any]
    canonical: str
    display: str
    then: tuple[Bound, ...] = ()
    inner: tuple[Bound, ...] = ()
    track: str = "restore"

    @property
    def parts(self) -> tuple[Bound, ...]:
        """The summands of `a + b`."""
        return (self, *self.then)

    @property
    def versions(self) -> dict[str, int]:
        """Version of every entry named, nested ones included."""
        versions = {self.entry.name: self.entry.version}
        for other in (*self.then, *self.inner):
            versions.update(other.versions)
        return versions

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every entry named, nested ones included."""
        return (self.entry, *(e for b in (*self.then, *self.inner) for e in b.entries))

    def __str__(self) -> str:
        return self.canonical

    def __repr__(self) -> str:
        return f"Bound({self.display})"


SUMS = ("regime",)
"""Kinds whose specs add up: `a + b` applies `a`, then `b`."""


def bind(spec: Spec | str, kind: str, track: str = "restore") -> Bound:
    """Check `spec` against what is registered. Raises `UsageError` for an unknown name, key, type or range.

    For example:

        >>> nb.bind("nlm(h=0.8)", "method", "restore").display
        'nlm(h=0.8)'
    """
    if not isinstance(spec, Spec):
        spec = parse(spec)
    entry = registry(kind, track).get(spec.name)
    if (elsewhere := getattr(entry.obj, "bound_elsewhere", None)) is not None:  # its code is in another process
        bound: Bound = elsewhere(spec, kind, track)
        return bound
    params = entry.params
    given = _given_values(spec, kind, track, params)
    kwargs: dict[str, Any] = {}
    inner: list[Bound] = []
    full: list[str] = []
    short: list[str] = []
    for key in sorted(params):
        annotation, default = params[key]
        if key not in given and default is inspect.Parameter.empty:
            raise UsageError(f"{kind} {spec.name!r} needs {key}: write {spec.name}({key}=…)")
        inside = nested_in(annotation)
        if inside is not None:
            value = given.get(key, default)
            if default is None and str(value).lower() == "none":
                kwargs[key] = None
                continue
            home = inside.track or registry(kind, track).track_of(spec.name) or track
            nested = _bound_within(value, annotation, inside, home, f"{kind} {spec.name!r}: {key}")
            inner += nested
            kwargs[key] = nested if inside.many else nested[0]
            full.append(f"{key}={_joined([one.canonical for one in nested], inside.many)}")
            if key in given:
                short.append(f"{key}={_joined([one.display for one in nested], inside.many)}")
            continue
        value = checked_value(given[key], annotation, f"{kind} {spec.name!r}: {key}") if key in given else default
        refuse_unwritten(default, f"{kind} {spec.name!r}: default of {key}")
        if key not in given and isinstance(value, int) and not isinstance(value, bool):
            value = checked_value(value, annotation, f"{kind} {spec.name!r}: default of {key}")
        kwargs[key] = value
        if value != default or not is_later(annotation):
            full.append(f"{key}={show(value, full=True)}")
        if key in given and value != default:
            short.append(f"{key}={show(value)}")
    entry.refuse_misfits(kind, kwargs)
    canonical = f"{spec.name}({', '.join(full)})" if full else spec.name
    display = f"{spec.name}({', '.join(short)})" if short else spec.name
    then = tuple(bind(part, kind, track) for part in spec.then)
    if then and kind not in SUMS:
        raise UsageError(f"{kind} {str(spec)!r}: only regimes add up with '+'")
    return Bound(
        entry,
        kwargs,
        " + ".join([canonical, *(b.canonical for b in then)]),
        " + ".join([display, *(b.display for b in then)]),
        then,
        tuple(inner),
        track,
    )


def bind_all(texts: Iterable[str] | str, kind: str, track: str = "restore") -> list[Bound]:
    """Expand sweeps and bind each, in order; one text is a list of one. Raises `UsageError`, for one given twice."""
    bounds: dict[str, Bound] = {}
    written: dict[str, str] = {}
    if isinstance(texts, str):
        texts = (texts,)
    if not isinstance(texts, Iterable):
        raise UsageError(f"{kind}s are a list of specs, not {type(texts).__name__}")
    for text in texts:
        for spec in expand(text):
            bound = bind(spec, kind, track)
            if bound.canonical in bounds:
                first, second = one_line(written[bound.canonical], 200), one_line(spec, 200)
                alike = f": {first} and {second} mean the same" if first != second else ""
                raise UsageError(f"{kind} {bound.display!r} is given twice{alike}")
            bounds[bound.canonical], written[bound.canonical] = bound, str(spec)
    return list(bounds.values())


def _given_values(spec: Spec, kind: str, track: str, params: Mapping[str, tuple[Any, Any]]) -> dict[str, Value]:
    """What a spec gives, by parameter. Raises `UsageError` for one that there is not, or that is given twice."""
    given: dict[str, Value] = {}
    for key, value in spec.args:
        if key not in params:
            remedy = _remedy_within(key, dict(spec.args), params, track) or nearest(key, params)
            raise UsageError(f"{kind} {spec.name!r} has no parameter {key!r}: {remedy}")
        if key in given:
            raise UsageError(f"{kind} {spec.name!r}: parameter {key!r} is given twice")
        given[key] = value
    return given


def _remedy_within(key: str, args: Mapping[str, Value], params: Mapping[str, tuple[Any, Any]], track: str) -> str:
    """Where to write a parameter that a component within has: `objective=supervised(loss=…)`; empty where none has."""
    for name, (annotation, default) in params.items():
        inside, value = nested_in(annotation), args.get(name, default)
        if inside is not None and not inside.many and isinstance(value, str | Spec):
            component = parse(value) if isinstance(value, str) else value
            entries = registry(inside.kind, inside.track or track)
            if component.name in entries.names() and key in entries.get(component.name).params:
                return f"{name} has it: write {name}={component.name}({key}=…)"
    return ""


def _bound_within(value: Any, annotation: Any, inside: Nested, home: str, where: str) -> tuple[Bound, ...]:
    """The specs that a parameter takes, bound. Raises `UsageError` for a value that is none."""
    specs = value if inside.many and isinstance(value, tuple) else (value,)
    for one in specs:
        if not isinstance(one, str | Spec):
            raise UsageError(f"{where} must be {type_text(annotation)}, not {one!r}")
    return tuple(bind(one, inside.kind, home) for one in specs)


def _joined(specs: list[str], many: bool) -> str:
    """One spec as it stands, a tuple of them in brackets."""
    return f"({', '.join(specs)}{',' if len(specs) == 1 else ''})" if many else specs[0]
