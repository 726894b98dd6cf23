"""Names of methods and datasets, given by `--as` or stored: what a report shows in the place of their specs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import UsageError, nearest, one_line
from ..spec_paths import is_meant
from ..store.record import NAMED, Record
from ..yaml_reading import shown_name
from .private_paths import message_without_folders, shortened, without_folders

Room = tuple[str, str]
"""Track, and `method` or `dataset`: where a name is that of one spec only."""


def with_names(records: Sequence[Record], given: Iterable[str]) -> list[Record]:
    """The records under the names that are `given` as `NAME=SPEC`, in place of those that were stored with them.

    Raises `UsageError` for a text that is none, and for a spec that is no method or dataset of the records.
    """
    rooms = _rooms(records)
    found: dict[Room, dict[str, str]] = defaultdict(dict)
    for text in given:
        name, spec = _split(text)
        met = False
        for room, displays in rooms.items():
            matches = [own for own, display in displays.items() if _is_meant(spec, own, display)]
            if len(matches) > 1:
                raise UsageError(f"--as {one_line(text)!r}: {len(matches)} {room[1]}s are shown so: give it whole")
            for own in matches:
                met = True
                if found[room].setdefault(own, name) != name:
                    raise UsageError(f"--as {one_line(text)!r}: it has another name already, {found[room][own]!r}")
        if not met:
            known = {without_folders(display) for displays in rooms.values() for display in displays.values()}
            raise UsageError(
                f"--as {one_line(text)!r}: no method or dataset here is {one_line(spec)!r}: {nearest(spec, known)}"
            )
    made = []
    for record in records:
        specs = {kind: (found[_room(record, kind)], _part(record, kind)["spec"]) for kind in NAMED}
        names = {kind: named[spec] for kind, (named, spec) in specs.items() if spec in named}
        made.append(replace(record, names={**record.names, **names}) if names else record)
    return made


def _split(text: str) -> tuple[str, str]:
    name, equals, spec = text.partition("=")
    if not equals or not spec.strip():
        raise UsageError(f'--as {one_line(text)!r}: write "NAME=SPEC", such as "DnCNN=dncnn(weights=blind)"')
    try:
        return shown_name(name), spec.strip()
    except ValueError as error:
        raise UsageError(f"--as {one_line(text)!r}: before the first = stands {error}") from None


def _part(record: Record, kind: str) -> Any:
    return record.cell["method"] if kind == "method" else record.cell["dataset"]


def _room(record: Record, kind: str) -> Room:
    return record.cell["track"], kind


def _rooms(records: Sequence[Record]) -> dict[Room, dict[str, str]]:
    """Canonical spec → display form of all that can be named."""
    found: dict[Room, dict[str, str]] = defaultdict(dict)
    for record in records:
        for kind in NAMED:
            if (part := _part(record, kind))["spec"]:
                found[_room(record, kind)].setdefault(part["spec"], part["display"])
    return found


def _is_meant(text: str, canonical: str, display: str) -> bool:
    return text == without_folders(display) or is_meant(text, canonical, display)


# -------------------------------------------------------------------------------------------- what is shown


def shown(records: Sequence[Record]) -> list[Record]:
    """The records as a report shows them: under their names, and without the folders of the machine.

    What differs in its folders alone is numbered. Raises `UsageError` where two things have one name.
    """
    names: dict[Room, dict[str, str]] = defaultdict(dict)
    for record in sorted(records, key=lambda r: r.cell["key"]):
        for kind, name in record.names.items():
            names[_room(record, kind)].setdefault(_part(record, kind)["spec"], one_line(name))
    changes: dict[Room, dict[str, dict[str, str]]] = defaultdict(dict)
    for room, displays in _rooms(records).items():
        specs, plain = _numbered(displays), _plain(displays)
        _refuse_one_name_for_two(plain, names[room], room[1])
        for spec, display in displays.items():
            change = {"display": plain[spec], "spec": specs[spec]}
            if spec in names[room]:
                change |= {"display": names[room][spec], "written": plain[spec]}
            if change != {"display": display, "spec": spec}:
                changes[room][spec] = change
    return [_shown(record, changes) for record in records]


def _shown(record: Record, changes: Mapping[Room, Mapping[str, Mapping[str, str]]]) -> Record:
    cell, made = record.cell, dict[str, Any]()
    for kind in NAMED:
        part = _part(record, kind)
        if change := changes.get(_room(record, kind), {}).get(part["spec"]):
            made[kind] = {**part, **change}
    if any("/" in name for name in cell.get("sets") or {}):
        made["sets"] = {without_folders(name): value for name, value in cell["sets"].items()}
    paths = shortened(cell["method"]["spec"]) | shortened(cell["dataset"]["spec"])

    def clean(text: str) -> str:
        for path, short in paths.items():
            text = text.replace(path, short)
        return message_without_folders(text)

    for field in ("reason", "traceback"):
        if "/" in (text := cell[field]):
            made[field] = clean(text)
    if any("/" in note for note in cell["notes"]):
        made["notes"] = [clean(note) for note in cell["notes"]]
    notes = [clean(note) if "/" in note else note for note in record.notes] if any(record.notes) else record.notes
    if not made and notes == record.notes:
        return record
    changed: Any = {**cell, **made}
    return replace(record, cell=changed, notes=notes)


def _numbered(texts: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Each text without its folders, numbered where another one is the same then."""
    used = set(taken)
    found: dict[str, str] = {}
    for text in sorted(texts):
        short = unique = without_folders(text)
        number = 2
        while unique in used:
            unique, number = f"{short} #{number}", number + 1
        used.add(unique)
        found[text] = unique
    return found


def _plain(displays: Mapping[str, str]) -> dict[str, str]:
    """Canonical spec → display form without folders; only one that loses some is numbered."""
    private = [display for display in displays.values() if without_folders(display) != display]
    short = _numbered(private, {*displays.values()} - {*private})
    return {spec: short.get(display, display) for spec, display in displays.items()}


def _refuse_one_name_for_two(plain: Mapping[str, str], names: Mapping[str, str], kind: str) -> None:
    labels = {**plain, **names}
    for spec, name in names.items():
        other = next((other for other, label in labels.items() if label == name and other != spec), None)
        if other is not None:
            two = " and ".join(one_line(plain[one], 120) for one in sorted((spec, other)))
            raise UsageError(f"the name {name!r} is for two {kind}s, {two}: name one of them otherwise, with --as")
