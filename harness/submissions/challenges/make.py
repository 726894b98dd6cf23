"""Make a challenge of a suite: inputs under neutral names for all, truths in one file for the organiser."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import structs

from ...boards.signature import signature
from ...components.datasets import open_dataset
from ...components.keyed_noise import keyed_generator, text_key
from ...components.plugins import load_plugin
from ...components.registry import Bound, bind, bind_all
from ...data.disk import noticing_full_disk, refuse_in_store
from ...planning.dataset_part import dataset_part, load_chosen
from ...planning.plan import completed, split_metrics
from ...store.cell import DatasetPart
from ...suite.suite import Suite
from ...text.errors import UsageError, one_line
from ...text.wording import counted
from ...track.attacks import Attacks
from ...track.dataset_protocol import Dataset
from ...track.posed_case import Case
from ...track.track_protocol import case_of
from .cells import challenge_cell
from .files import (
    MANIFEST,
    SCHEMA,
    TRUTH,
    AnswersClasses,
    ChallengeItem,
    ChallengeManifest,
    ChallengeTruth,
    SealedCell,
    array_bytes,
    plain_info,
    sealing_track,
    text_of,
)


@dataclass(frozen=True)
class MadeChallenge:
    """What was made: how many items, its file of truths, and notes."""

    items: int
    truth: Path
    notes: list[str]


def make_challenge(suite: Suite, name: str, to: Path, truth: Path, seed: int | None = None) -> MadeChallenge:
    """Write the folder `to` for participants and the file `truth` for the organiser, both whole or not at all.

    The noise is keyed by a new secret seed, and so is the order of the items. Raises `UsageError`.
    """
    _refuse_places(to, truth)
    contest = _contest_of(suite)
    track = contest.track
    seed = secrets.randbits(62) if seed is None else seed
    layout = _layout_of(contest, name, seed)
    with (
        noticing_full_disk(to.parent),
        _staged(to, truth) as (folder, truth_file),
        zipfile.ZipFile(truth_file, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        written = _write_items(layout, track, seed, folder, archive)
        manifest = text_of(ChallengeManifest(
            noisebench_challenge=SCHEMA, name=name, track=track.name, protocol=contest.protocol.display,
            metrics=[metric.display for metric in contest.metrics], rank_by=contest.rank_by,
            signatures=_signatures(contest, layout.cells), dtype=track.outputs.dtype, items=written.items,
            classes=written.classes,
        ))  # fmt: skip
        (folder / MANIFEST).write_bytes(manifest)
        sealed = ChallengeTruth(
            noisebench_truth=SCHEMA, challenge=hashlib.sha256(manifest).hexdigest(), seed=seed, cells=layout.cells,
            input_sha256=written.input_sha256,
        )  # fmt: skip
        archive.writestr(TRUTH, text_of(sealed))
    return MadeChallenge(len(layout.places), truth, list(_notes(track, contest.datasets, contest.regimes)))


@dataclass(frozen=True)
class _Contest:
    """What a challenge is of, bound: a suite of one seed, with metrics of single items."""

    track: Any
    protocol: Bound
    metrics: Sequence[Bound]
    rank_by: str
    datasets: Sequence[Bound]
    regimes: Sequence[Bound]
    limit: int | None


def _contest_of(suite: Suite) -> _Contest:
    """What a challenge of a suite is of. Raises `UsageError` for a suite that has none."""
    for file in suite.plugins:
        load_plugin(file)
    track = sealing_track(suite.track)
    if len(suite.seeds) > 1:
        raise UsageError(
            f"seeds: a challenge has one draw of each {track.words.item}, of a seed of its own, or participants could "
            "average the noise away: leave them out"
        )
    suite = completed(suite, track)
    protocol = bind(suite.protocol, "protocol", track.name)
    metrics, of_sets = split_metrics(bind_all(suite.metrics, "metric", track.name))
    if of_sets:
        raise UsageError(f"metric {of_sets[0].display} is of whole sets: a challenge scores each {track.words.item}")
    regimes = bind_all(suite.regimes, "regime", track.name)
    if isinstance(track, Attacks) and (attacks := [one for one in regimes if track.attacked_together(one) > 1]):
        raise UsageError(f"regime {attacks[0].display} attacks a method: it has no challenge")
    datasets = bind_all(suite.datasets, "dataset", track.name)
    if not datasets or not regimes:
        raise UsageError("a challenge needs datasets and regimes: name a suite, or give --datasets and --regimes")
    return _Contest(track, protocol, metrics, suite.rank_by, datasets, regimes, suite.limit)


@dataclass(frozen=True)
class _Place:
    """An item under a regime, which is read and posed when it is written: its cell, dataset, and place in that."""

    cell: int
    dataset: Bound
    opened: Dataset
    index: int
    regime: Bound

    @property
    def id(self) -> str:
        return self.opened.ids[self.index]

    def posed(self, track: Any, seed: int) -> tuple[Any, Case]:
        """The item with its case."""
        item = load_chosen(self.dataset, self.opened, self.index, self.id, track)
        return item, _case(track, self.regime, item, seed)


@dataclass(frozen=True)
class _ChallengeLayout:
    """The items of a challenge: `order` has the numbers of `places` as their neutral names count them."""

    places: Sequence[_Place]
    order: Sequence[int]
    names: Mapping[int, str]
    cells: list[SealedCell]


def _layout_of(contest: _Contest, name: str, seed: int) -> _ChallengeLayout:
    """Items under neutral names in an order that `seed` keys, and a cell for each dataset under each regime."""
    places: list[_Place] = []
    parts: list[tuple[DatasetPart, Bound]] = []
    for dataset in contest.datasets:
        part = dataset_part(dataset, contest.limit, contest.track)
        opened = open_dataset(dataset)
        for regime in contest.regimes:
            places += [_Place(len(parts), dataset, opened, index, regime) for index in range(part.items or 0)]
            parts.append((part, regime))
    order = keyed_generator(text_key(f"order|{seed}")).permutation(len(places)).tolist()
    names = {place: f"item-{number:04d}" for number, place in enumerate(order, 1)}
    several = len(contest.datasets)
    cells = [
        SealedCell(
            dataset=_neutral(part, name, several, number // len(contest.regimes) + 1, _names_of(number, places, names)),
            regime=regime.display,
            items=[names[i] for i, one in enumerate(places) if one.cell == number],
        )
        for number, (part, regime) in enumerate(parts)
    ]
    return _ChallengeLayout(places, order, names, cells)


def _signatures(contest: _Contest, cells: Sequence[SealedCell]) -> list[str]:
    """The line of each metric in each cell."""
    planned = [challenge_cell(contest.track, one, contest.protocol, contest.metrics, contest.rank_by) for one in cells]
    return [
        signature(cell, metric.display, metric.entry.version, (0,), cell.environment["noisebench"])
        for cell in planned
        for metric in contest.metrics
    ]


@dataclass(frozen=True)
class _WrittenItems:
    """The items of a challenge by their neutral names, and the classes that all of them have."""

    items: dict[str, ChallengeItem]
    input_sha256: dict[str, str]
    classes: list[str]


def _write_items(
    layout: _ChallengeLayout, track: Any, seed: int, folder: Path, archive: zipfile.ZipFile
) -> _WrittenItems:
    """Write the inputs of all items into the folder, and the truths into the archive."""
    items: dict[str, ChallengeItem] = {}
    inputs: dict[str, str] = {}
    classes: list[str] = []
    for number in layout.order:
        place, name = layout.places[number], layout.names[number]
        item, case = place.posed(track, seed)
        items[name] = _write_item(folder, name, place.regime, case)
        inputs[name] = case.input_sha256
        classes = _same_classes(track, item, classes)
        for array_name, array in track.sealed_arrays(item).items():
            archive.writestr(f"items/{name}/{array_name}.npy", array_bytes(array))
    return _WrittenItems(items, inputs, classes)


def _refuse_places(to: Path, truth: Path) -> None:
    """Raise `UsageError` where a challenge cannot be written, or would hold its own truth."""
    if to.exists() and not (to.is_dir() and not any(to.iterdir())):
        raise UsageError(f"--to {one_line(to)} is there already: name a new or empty folder")
    if truth.exists() or truth.is_dir():
        raise UsageError(f"--truth {one_line(truth)} is there already: name a new file")
    for option, path in (("to", to), ("truth", truth)):
        if not path.parent.is_dir():
            raise UsageError(f"--{option} {one_line(path)}: the folder {one_line(path.parent)} is not there")
    if to.absolute() in truth.absolute().parents or to.resolve() in truth.resolve().parents:
        raise UsageError(f"--truth {one_line(truth)} lies in --to, which is for participants: name a file elsewhere")
    refuse_in_store(truth)


def _case(track: Any, regime: Bound, item: Any, seed: int) -> Case:
    """The case of an item. Raises `UsageError` where it is not that of the arrays which the truth keeps."""
    import numpy as np

    case = case_of(track, regime, item, seed)
    if not isinstance(case.given, np.ndarray) or not isinstance(case.wanted, tuple):
        raise UsageError(f"regime {regime.display} gives no arrays: it has no challenge")
    again = case_of(track, regime, track.unsealed(item.id, track.sealed_arrays(item)), seed)
    if again.input_sha256 != case.input_sha256:
        raise UsageError(
            f"regime {regime.display} needs more of {one_line(item.id, 60)} than its arrays: it has no challenge"
        )
    return case


def _same_classes(track: Any, item: Any, known: list[str]) -> list[str]:
    """The classes of an item, where a track has some. Raises `UsageError` where they are not those known."""
    if not isinstance(track, AnswersClasses):
        return known
    classes = list(track.answer_classes(item))
    if known and classes != known:
        raise UsageError(f"{one_line(item.id, 60)} has other classes than the others: make a challenge of each set")
    return classes


def _names_of(cell: int, places: Sequence[_Place], names: Mapping[int, str]) -> dict[str, str]:
    """Own name → neutral name, of the items of a cell."""
    return {one.id: names[place] for place, one in enumerate(places) if one.cell == cell}


def _neutral(part: DatasetPart, name: str, several: int, number: int, names: Mapping[str, str]) -> DatasetPart:
    """The dataset under the name of the challenge, with neutral names of its items and groups."""
    shown = name if several == 1 else f"{name}, set {number}"
    return structs.replace(
        part, name=shown, spec=shown, display=shown, versions={}, total=part.items,
        groups={f"group {i}": sorted(names[one] for one in ids) for i, ids in enumerate(part.groups.values(), 1)},
        same=[sorted(names[one] for one in ids) for ids in part.same],
        overlaps=[sorted(names[one] for one in ids) for ids in part.overlaps],
    )  # fmt: skip


def _write_item(folder: Path, name: str, regime: Bound, case: Case) -> ChallengeItem:
    """Write the input of an item, and the arrays that are disclosed with it."""
    data = array_bytes(case.given)
    (folder / "inputs" / f"{name}.npy").write_bytes(data)
    plain, arrays = plain_info(case.info.disclosed())
    for key, array in arrays.items():
        (folder / "info").mkdir(exist_ok=True)
        plain[key] = f"info/{name}.{key}.npy"
        (folder / plain[key]).write_bytes(array_bytes(array))
    return ChallengeItem(
        input=f"inputs/{name}.npy", sha256=hashlib.sha256(data).hexdigest(), shape=list(case.given.shape),
        regime=regime.display, info=plain, wanted=list(case.wanted),
    )  # fmt: skip


@contextmanager
def _staged(to: Path, truth: Path) -> Iterator[tuple[Path, Path]]:
    """A folder and a file that are moved to their places where all went well, and are gone otherwise."""
    folder = Path(tempfile.mkdtemp(dir=to.parent, prefix=".tmp-"))
    fd, name = tempfile.mkstemp(dir=truth.parent, prefix=".tmp-")  # which nobody else can read
    os.close(fd)
    try:
        (folder / "inputs").mkdir()
        yield folder, Path(name)
        os.chmod(folder, 0o755)
        os.replace(name, truth)
        os.replace(folder, to)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            os.unlink(name)
        raise


def _notes(track: Any, datasets: Sequence[Bound], regimes: Sequence[Bound]) -> Iterator[str]:
    """What an organiser must know of how well the truths are kept."""
    words = track.words
    public = [one.display for one in datasets if one.entry.obj.__module__.startswith("noisebench.datasets.")
              and not one.entry.meta.get("own_files")]  # fmt: skip
    if public:
        yield (
            f"{one_line(', '.join(public), 120)}: anybody can have these {words.items}, and find each truth among "
            f"them: use {words.items} that were never published"
        )
    if len(regimes) > 1:
        yield (
            f"each {words.item} is given under {counted(len(regimes), 'regime')}: who finds out which belong together "
            "can combine them"
        )
