"""Names of methods and datasets, given by `--as` or stored: what a report shows in the place of their specs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from msgspec import structs

from ..spec.paths import is_meant, is_part
from ..store.cell import DatasetPart, MethodPart
from ..store.names import spec_of
from ..store.record import NAMED, Record
from ..store.results import Results
from ..suite.reading import shown_name
from ..text.errors import UsageError, nearest, one_line
from .private_paths import BASE_NAMES, message_without_folders, shortened, without_folders

Room = tuple[str, str]
"""Track, and `method` or `dataset`: where a name is that of one spec only."""

_Displays = Mapping[Room, Mapping[str, str]]
"""Canonical spec → how it is shown, of each room."""


def with_names(records: Iterable[Record], given: Iterable[str]) -> Results:
    """The records under the names that are `given` as `NAME=SPEC`, in place of those that were stored with them.

    Raises `UsageError` for a text that is none, and for a spec that is no method or dataset of the records.
    """
    results = Results.of(records)
    rooms = _rooms(results)
    plain = {room: _plain(displays) for room, displays in rooms.items()}
    chosen: dict[Room, dict[str, str]] = defaultdict(dict)
    for text in given:
        name, spec = _split(text)
        meant = _meant(spec, rooms, plain)
        for room, matches in meant.items():
            if len(matches) > 1:
                raise UsageError(f"--as {one_line(text)!r}: {len(matches)} {room[1]}s match: give more of the spec")
            if chosen[room].setdefault(matches[0], name) != name:
                raise UsageError(f"--as {one_line(text)!r}: it has another name already, {chosen[room][matches[0]]!r}")
        if not meant:
            known = {text for shown_as in plain.values() for text in shown_as.values()}
            raise UsageError(
                f"--as {one_line(text)!r}: no method or dataset here is {one_line(spec)!r}: {nearest(spec, known)}"
            )
    renamed: list[Record] = []
    for record in results if any(chosen.values()) else ():
        specs = {kind: (chosen[_room(record, kind)], _part(record, kind).spec) for kind in NAMED}
        names = {kind: named[spec] for kind, (named, spec) in specs.items() if spec in named}
        renamed.append(replace(record, names={**record.names, **names}) if names else record)
    return Results.of(renamed) if renamed else results


def _meant(spec: str, rooms: _Displays, plain: _Displays) -> dict[Room, list[str]]:
    """The canonical specs that a text means, by room: what is shown as it, else is equal to it, else it is part of."""
    meant: dict[Room, list[str]] = {}
    for room, displays in rooms.items():
        meant[room] = [canonical for canonical, shown_as in plain[room].items() if shown_as == spec] or [
            canonical
            for canonical, display in displays.items()
            if spec == without_folders(display) or is_meant(spec, canonical, display)
        ]
    if not any(meant.values()):
        meant = {room: [one for one in displays if is_part(spec, one)] for room, displays in rooms.items()}
    return {room: matches for room, matches in meant.items() if matches}


def _split(text: str) -> tuple[str, str]:
    name, equals, spec = text.partition("=")
    if not equals or not spec.strip():
        raise UsageError(f'--as {one_line(text)!r}: write "NAME=SPEC", such as "DnCNN=dncnn(weights=blind)"')
    try:
        return shown_name(name), spec.strip()
    except ValueError as error:
        raise UsageError(f"--as {one_line(text)!r}: give {error} before the first =") from None


def _part(record: Record, kind: str) -> MethodPart | DatasetPart:
    return record.cell.method if kind == "method" else record.cell.dataset


def _room(record: Record, kind: str) -> Room:
    return record.cell.track, kind


def _rooms(results: Results) -> dict[Room, dict[str, str]]:
    """Canonical spec → display form of all that can be named."""
    displays: dict[Room, dict[str, str]] = defaultdict(dict)
    tracks = results.column("track")
    for kind in NAMED:
        for track, spec, display in zip(tracks, results.column(f"{kind}_spec"), results.column(kind), strict=True):
            if spec:
                displays[track, kind].setdefault(spec, display)
    return displays


# -------------------------------------------------------------------------------------------- what is shown


def shown(records: Iterable[Record]) -> Results:
    """The records as a report shows them: under their names, and without the folders of the machine.

    Of what differs in its folders alone the shortest tail that differs is shown. Raises `UsageError` where two things
    have one name.
    """
    results = Results.of(records)
    every = results.names()
    changes: dict[Room, dict[str, dict[str, str]]] = defaultdict(dict)
    for room, displays in _rooms(results).items():
        specs, plain = _distinct(displays), _plain(displays)
        track, kind = room
        names = {spec: one_line(name) for spec, name in every.get(track, {}).get(kind, {}).items() if spec in displays}
        _refuse_one_name_for_two(plain, names, kind)
        for spec, display in displays.items():
            change = {"display": plain[spec], "spec": specs[spec]}
            if spec in names:
                change |= {"display": names[spec], "written": plain[spec]}
            if change != {"display": display, "spec": spec}:
                changes[room][spec] = change
    if not changes and not any("/" in text for text in _texts(results)):
        return results
    cleaned = [_shown(record, changes) for record in results]
    return results if all(one is record for one, record in zip(cleaned, results, strict=True)) else Results.of(cleaned)


def _texts(results: Results) -> Iterator[str]:
    """Every text that `_shown` changes where it names a folder, of all cells, each once."""
    for field in ("reason", "traceback"):
        yield from filter(None, results.distinct(f"cell.{field}"))
    for texts in (*results.distinct("cell.notes"), *results.distinct("cell.sets")):
        yield from texts or ()
    yield from results.item_notes()


def written(records: Iterable[Record], text: str) -> str:
    """The canonical spec of the method that is shown as `text`, its name or its spec without folders; else `text`."""
    results = Results.of(records)
    if (spec := spec_of(results.names(), "method", text)) is not None:
        return spec
    for (_, kind), displays in _rooms(results).items():
        if kind == "method":
            for spec, plain in _plain(displays).items():
                if plain == text != displays[spec]:
                    return spec
    return text


def _shown(record: Record, changes: Mapping[Room, Mapping[str, Mapping[str, str]]]) -> Record:
    cell, changed = record.cell, dict[str, Any]()
    for kind in NAMED:
        part = _part(record, kind)
        if change := changes.get(_room(record, kind), {}).get(part.spec):
            changed[kind] = structs.replace(part, **change)
    if any("/" in name for name in cell.sets):
        changed["sets"] = {without_folders(name): value for name, value in cell.sets.items()}

    def clean(text: str) -> str:
        for path, short in (shortened(cell.method.spec) | shortened(cell.dataset.spec)).items():
            text = text.replace(path, short)
        return message_without_folders(text)

    for field in ("reason", "traceback"):
        if "/" in (text := getattr(cell, field)):
            changed[field] = clean(text)
    if any("/" in note for note in cell.notes):
        changed["notes"] = [clean(note) for note in cell.notes]
    notes = [clean(note) if "/" in note else note for note in record.notes] if any(record.notes) else record.notes
    if not changed and notes == record.notes:
        return record
    return replace(record, cell=structs.replace(cell, **changed), notes=notes)


def _distinct(texts: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Each text without its folders. Texts that look alike keep the shortest tails that differ, else get a number."""
    texts, used = sorted(texts), set(taken)
    tails: dict[str, dict[str, int]] = {text: {} for text in texts}
    longer = True
    while longer:
        alike: dict[str, list[str]] = defaultdict(list)
        for text in (*used, *texts):
            alike[without_folders(text, tails.get(text, BASE_NAMES))].append(text)
        longer = any([_lengthened(group, tails) for group in alike.values() if len(group) > 1])
    result: dict[str, str] = {}
    for text in texts:
        short = unique = without_folders(text, tails[text])
        number = 2
        while unique in used:
            unique, number = f"{short} #{number}", number + 1
        used.add(unique)
        result[text] = unique
    return result


def _lengthened(group: Sequence[str], tails: dict[str, dict[str, int]]) -> bool:
    """Whether longer tails tell texts of a group apart; then those that the texts do not share have a part more."""
    paths = {text: set(shortened(text)) for text in group}
    shared = set.intersection(*paths.values())
    whole = {
        without_folders(text, {**tails.get(text, BASE_NAMES), **dict.fromkeys(folders - shared, len(text))})
        for text, folders in paths.items()
    }
    if len(whole) == 1:
        return False
    for text in tails.keys() & paths.keys():
        for path in paths[text] - shared:
            tails[text][path] = tails[text].get(path, 1) + 1
    return True


def _plain(displays: Mapping[str, str]) -> dict[str, str]:
    """Canonical spec → display form without folders; only one that loses some may have more than base names."""
    private = [display for display in displays.values() if without_folders(display) != display]
    short = _distinct(private, {*displays.values()} - {*private})
    return {spec: short.get(display, display) for spec, display in displays.items()}


def _refuse_one_name_for_two(plain: Mapping[str, str], names: Mapping[str, str], kind: str) -> None:
    labels = {**plain, **names}
    for spec, name in names.items():
        other = next((other for other, label in labels.items() if label == name and other != spec), None)
        if other is not None:
            two = " and ".join(one_line(plain[one], 120) for one in sorted((spec, other)))
            raise UsageError(f"the name {name!r} is given to two {kind}s, {two}: give one another name with --as")
