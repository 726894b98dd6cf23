"""A score's signature: the one line that pins it down, and how it is read back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ..components.decorators import disclosed_by
from ..components.registry import Bound, bind
from ..components.tracks import DEFAULT, get_track
from ..spec.parsing import parse
from ..store.cell import Cell, DatasetPart, NamedPart
from ..store.keys import combined
from ..text.errors import UsageError, nearest, one_line
from ..text.wording import counted
from ..track.words import Words

_PARTS = ("metric", "protocol", "regime", "dataset", "seed", "noisebench")
_FOLDER = "folder"
"""In the place of the regime where `noisebench score` has scored files: metrics|protocol|folder|N pictures|version."""


def joined(fields: Iterable[str]) -> str:
    """The fields as one line; what would break it is percent-encoded."""
    return "|".join(
        one_line(field.replace("%", "%25").replace("|", "%7C").replace("\n", "%0A").replace("\r", "%0D"), 10_000)
        for field in fields
    )


def folder_signature(metrics: Iterable[Bound], protocol: Bound, items: str) -> str:
    """The line of scores that were taken of files that existed already: all metrics, protocol, how many, version."""
    from .. import __version__

    named = " + ".join(f"{metric.display}@{metric.entry.version}" for metric in metrics)
    rules = f"{protocol.display}@{protocol.entry.version}"
    return joined([named, rules, _FOLDER, items, f"noisebench {__version__}"])


def split(text: str) -> list[str]:
    """The parts of a signature. Raises `UsageError`."""
    parts = text.strip().split("|")
    if parts[2:3] == [_FOLDER] and len(parts) == len(_PARTS) - 1:
        return parts
    if len(parts) != len(_PARTS):
        raise UsageError(
            f"signature {one_line(text, 120)!r} has {counted(len(parts), 'part')}, not {len(_PARTS)}: "
            "metric|protocol@v|regime@v|dataset:hash|seed N|noisebench V, with track/ before the metric"
        )
    return parts


def explain_signature(text: str) -> dict[str, Any]:
    """Each part of a signature spelled out, and whether this version still means the same. Raises `UsageError`."""
    fields = split(text)
    if len(fields) < len(_PARTS):
        return _explained_folder(text, fields)
    first, protocol, regime, dataset, seed, version = fields
    name, metric = _tracked(first)
    track = get_track(name)
    item = track.words.item
    parts = [_part(kind, spec, name) for kind, spec in (("metric", metric), ("protocol", protocol))]
    plain, versions = _versioned(regime)
    bound = bind(plain, "regime", name)
    now = "+".join(str(p.entry.version) for p in bound.parts)
    disclosed = sorted(disclosed_by(bound))
    parts.append(
        {
            "part": "regime",
            "value": bound.canonical,
            "meaning": "; then ".join(p.entry.doc for p in bound.parts)
            + (f" Discloses {', '.join(disclosed)}." if disclosed else ""),
            "now": _agrees(versions, now),
        }
    )
    match = re.fullmatch(r"(.+?):([0-9a-f]+)…?(?:/groups ([0-9a-f]+))?", dataset)
    if match is None:
        raise UsageError(f"signature part {one_line(dataset)!r} is not dataset:hash or dataset:hash/groups hash")
    meaning = f"the {track.words.items} whose fingerprint (ids and contents, in order) begins with {match[2]}"
    if match[3]:
        meaning += f"; those of one group count once, in the grouping whose hash begins with {match[3]}"
    parts.append({"part": "dataset", "value": match[1], "meaning": meaning, "now": ""})
    if not re.fullmatch(r"seeds? [\d, ]+", seed):
        raise UsageError(f"signature part {one_line(seed)!r} is not 'seed N': {nearest(seed, ['seed 0'])}")
    parts.append(
        {
            "part": "seed",
            "value": seed.partition(" ")[2],
            "meaning": f"what keys all that is drawn for each {item}, beside the regime and the {item}",
            "now": "",
        }
    )
    parts += [_release(version), _printed(metric, name, track.words, several=seed.startswith("seeds"))]
    return {"signature": text.strip(), "parts": parts}


def _printed(metric: str, track: str, words: Words, several: bool) -> dict[str, str]:
    """What the number beside the signature is, and the interval that a board sets beside it."""
    bound = bind(_versioned(_packaged(metric)[0])[0], "metric", track)
    of_seeds = f" of each {words.item}'s mean over the seeds" if several else ""
    unit = f", in {bound.entry.meta['unit']}" if bound.entry.meta["unit"] else ""
    meaning = (
        f"the mean over these {words.items}{of_seeds}{unit}; the interval beside a Δ is of 95 %, for the mean "
        f"difference of two methods over the same {words.items}, and holds for all pairs of a board at once"
    )
    return {"part": "number", "value": bound.canonical, "meaning": meaning, "now": ""}


def _explained_folder(text: str, fields: list[str]) -> dict[str, Any]:
    """What a line of `folder_signature` says."""
    metrics, protocol, _, items, version = fields
    name, metrics = _tracked(metrics)
    explained = [_part("metric", metric, name) for metric in re.split(r"(?<=@\d) \+ |(?<=@\d\d) \+ ", metrics)]
    meaning = "files that existed already, paired by name with true ones"
    files = {"part": "items", "value": items, "meaning": meaning, "now": ""}
    parts = [*explained, _part("protocol", protocol, name), files, _release(version)]
    return {"signature": text.strip(), "parts": parts}


def _release(version: str) -> dict[str, str]:
    from .. import __version__

    return {
        "part": "noisebench",
        "value": version.removeprefix("noisebench "),
        "meaning": "the version that took the score",
        "now": "this one" if version == f"noisebench {__version__}" else f"this is {__version__}",
    }


def _tracked(text: str) -> tuple[str, str]:
    """Track and metric of the first part: `functions/rmse`, or a metric alone."""
    match = re.match(r"([A-Za-z]\w*)/", text)
    return (match[1], text[match.end() :]) if match else (DEFAULT, text)


def _versioned(text: str) -> tuple[str, str]:
    spec, at, version = text.rpartition("@")
    return (spec, version) if at and re.fullmatch(r"[\d+]+", version) else (text, "")


def _agrees(then: str, now: str) -> str:
    if not then:
        return ""
    return "same version now" if then == now else f"now at version {now}: numbers may differ"


def _packaged(text: str) -> tuple[str, str]:
    """A metric, and the package that computes it: `lpips[pyiqa 0.1.14]`."""
    match = re.fullmatch(r"(.*[\w)])\[([^\[\]]+)\]", text)
    return (match[1], match[2]) if match else (text, "")


def _part(kind: str, text: str, track: str) -> dict[str, str]:
    plain, package = _packaged(text) if kind == "metric" else (text, "")
    spec, version = _versioned(plain)
    bound = bind(spec, kind, track)
    by = f" Made with {package}." if package else ""
    return {
        "part": kind,
        "value": bound.canonical,
        "meaning": " ".join((bound.entry.obj.__doc__ or "").split()) + by,
        "now": _agrees(version, str(bound.entry.version)),
    }


def versioned(part: NamedPart) -> str:
    """Display form @ version; the parts of a sum `a + b` have one version each, in their order: `@1+2`."""
    versions = part.versions
    try:
        spec = parse(part.spec)
        names = [p.name for p in (spec, *spec.then)]
    except UsageError:
        names = []
    if not all(name in versions for name in names) or not names:
        names = sorted(versions)
    return f"{part.display}@{'+'.join(str(versions[name]) for name in names)}"


def signature(cell: Cell, metric: str, version: int, seeds: Sequence[int], noisebench: str, made_with: str = "") -> str:
    """One line that pins a score down: metric, protocol, regime, dataset, seeds and noisebench version.

    The track stands before the metric, as `functions/rmse`, where it is not `restore`; behind one that another package
    computes, of `made_with`, stands which: `lpips[pyiqa 0.1.14]`. Where a dataset declares groups, which change every
    mean, the grouping has a hash: `pairs:d7ab9f3fce6d/groups 3f2a9c01`. A `%`, `|` or line break inside a field is
    percent-encoded, so that the line splits at `|`.
    """
    fields = [
        track_prefix(cell.track)
        + (metric if version == 1 else f"{metric}@{version}")
        + (f"[{made_with.partition(',')[0]}]" if made_with else ""),
        versioned(cell.protocol),
        versioned(cell.regime),
        _dataset_field(cell.dataset),
        f"seed{'s' if len(seeds) > 1 else ''} {','.join(map(str, seeds))}",
        f"noisebench {noisebench}",
    ]
    return joined(fields)


def _dataset_field(data: DatasetPart) -> str:
    """`photos:0a1b2c3d4e5f`, with a hash of which items are one group, whatever the groups are called."""
    field = f"{data.name}:{data.fingerprint[:12]}"
    if not data.groups:
        return field
    return f"{field}/groups {combined(map(json.dumps, sorted(map(sorted, data.groups.values()))))[:8]}"


def track_prefix(track: str) -> str:
    """`functions/`; nothing for the track that is meant where none is named."""
    return "" if track == DEFAULT else f"{track}/"
