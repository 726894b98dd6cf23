"""The pages of methods and datasets: what each is, its parameters, and where it stands on which board."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ...text.wording import by_number, counted
from .boards import BoardLink, PlacedMethod, SiteBoard
from .layout import Parts, whole_page
from .markup import (
    Content,
    Html,
    breakable,
    code_block,
    element,
    joined,
    link,
    paragraphs,
    table,
    with_code,
    with_links,
)

MOST_PLACES = 200
"""Levels that the page of a component lists."""
Kind = Literal["method", "dataset"]
_HIDDEN = ("role", "named", "layout", "shows_source", "family")
"""What a component declares for the program alone."""


@dataclass(frozen=True)
class Parameter:
    """A parameter as `noisebench list` shows it."""

    name: str
    type: str
    default: str


@dataclass(frozen=True)
class Component:
    """A registered method or dataset, or a regime, of a track; `declared` is what else it says of itself."""

    name: str
    track: str
    version: int
    about: str
    doc: str
    parameters: tuple[Parameter, ...]
    declared: Mapping[str, Any]

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Component:
        """An entry of the catalogue."""
        given = tuple(Parameter(one["name"], one["type"], one["default"]) for one in entry["parameters"])
        return cls(entry["name"], entry["track"], entry["version"], entry["about"], entry["doc"], given, entry["meta"])

    def path(self, kind: Kind) -> str:
        """Its page in the site."""
        return f"{kind}s/{self.track}/{self.name}.html"


@dataclass(frozen=True)
class Place:
    """Where a method stands, or a dataset is used."""

    board: SiteBoard
    level: BoardLink
    method: PlacedMethod | None


def places_of_methods(boards: Iterable[SiteBoard]) -> dict[tuple[str, str], list[Place]]:
    """Track and name of each method → where it stands: on a level its best row."""
    places: dict[tuple[str, str], list[Place]] = defaultdict(list)
    for board in boards:
        for level in board.levels:
            best: dict[str, PlacedMethod] = {}
            for method in level.methods:
                best.setdefault(method.name, method)
            for name, method in best.items():
                places[level.track, name].append(Place(board, level, method))
    return places


def places_of_datasets(boards: Iterable[SiteBoard]) -> dict[tuple[str, str], list[Place]]:
    """Track and name of each dataset → the levels that use it, with the best method there."""
    places: dict[tuple[str, str], list[Place]] = defaultdict(list)
    for board in boards:
        for level in board.levels:
            places[level.track, level.dataset_name].append(Place(board, level, level.best))
    return places


def component_page(component: Component, kind: Kind, places: Sequence[Place], parts: Parts) -> bytes:
    """The page of a method or a dataset."""
    contents: list[Content] = [
        element("p", f"{kind} of the track {component.track}", class_="soft"),
        element("h1", breakable(component.name)),
        paragraphs(component.doc or component.about),
        element("h2", "Signature"),
        code_block([_signature(component)]),
    ]
    if component.parameters:
        rows = [(element("code", p.name), p.type, element("code", p.default)) for p in component.parameters]
        contents.append(table(f"Parameters of {component.name}", ("parameter", "type", "default"), rows))
    contents.append(_facts(component))
    contents.append(element("h2", "Where it stands" if kind == "method" else "Boards that use it"))
    contents.append(_places(component, kind, places))
    title = f"{component.name}, {kind}, {component.track}"
    return whole_page(component.path(kind), title, *contents, parts=parts, about=component.about)


def _signature(component: Component) -> str:
    given = (p.name if p.default == "(needed)" else f"{p.name}={p.default}" for p in component.parameters)
    return f"{component.name}({', '.join(given)})" if component.parameters else component.name


def _facts(component: Component) -> Html:
    shown = [("version", str(component.version))] if component.version else []
    for name, value in component.declared.items():
        if name not in _HIDDEN and value not in (False, [], "", None, {}):
            shown.append((name.replace("_", " "), _value_text(value)))
    facts = [joined([element("dt", name), element("dd", with_links(text))]) for name, text in shown]
    return element("dl", *facts) if facts else Html("")


def _value_text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value_text(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_value_text, value))
    return "yes" if value is True else str(value)


def _places(component: Component, kind: Kind, places: Sequence[Place]) -> Html:
    if not places:
        return element("p", "On no board of this site.")
    root = "../../"
    rows: list[Sequence[Content]] = []
    for place in places[:MOST_PLACES]:
        shown = link(place.level.title, f"{root}{place.board.path}#{place.level.address}")
        method = place.method
        rank, score = ("", "") if method is None else (method.place, f"{method.score} {place.level.metric}")
        name = "" if method is None else breakable(method.label)
        rows.append((place.board.name, shown, name, f"{rank} of {len(place.level.methods)}", score))
    head = ("board", "dataset and regime", "as" if kind == "method" else "first", "rank", "score")
    more = len(places) - MOST_PLACES
    note = [element("p", f"{counted(more, 'more level')} on these boards.")] if more > 0 else []
    return joined([table(f"Boards with {component.name}", head, rows), *note])


def component_index(components: Sequence[Component], kind: Kind, used: Mapping[tuple[str, str], Sequence[Place]],
                    parts: Parts) -> bytes:  # fmt: skip
    """All methods or datasets, by track."""
    path = f"{kind}s/index.html"
    contents: list[Content] = [
        element("h1", f"{kind.capitalize()}s"),
        element("p", f"What noisebench has, by track: {counted(len(components), kind)}. "
                f"The same in a terminal: ", element("code", f"noisebench list {kind}s")),
    ]  # fmt: skip
    for track in dict.fromkeys(component.track for component in components):
        of_track = sorted((c for c in components if c.track == track), key=lambda c: by_number(c.name))
        rows = [
            (link(breakable(c.name), f"{track}/{c.name}.html"),
                with_code(c.about), str(len({
                place.board.name for place in used.get((track, c.name), ())
            }) or ""))
            for c in of_track
        ]  # fmt: skip
        contents += [
            element("h2", track),
            table(f"{kind.capitalize()}s of {track}", ("name", "what it is", "boards"), rows, numeric=(2,)),
        ]
    return whole_page(path, f"{kind.capitalize()}s", *contents, parts=parts, about=f"The {kind}s of noisebench.")
