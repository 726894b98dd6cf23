"""A training as the scorer drives it: it draws the batches, validates, and keeps what going on needs on the disk."""

from __future__ import annotations

import itertools
import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from msgspec import structs

from ..components.calls import checked_sampler
from ..components.plugins import load_plugin
from ..components.registry import Bound, bind
from ..components.tracks import get_track
from ..data.disk import noticing_full_disk, write_file
from ..planning.cells import plugins_of
from ..planning.recipe import Recipe, data_of, recipe_of
from ..store.cell import CurvePoint, TrainingCost, TrainingHistory
from ..store.cell_json import checked, plain_values
from ..store.cells import WEIGHTS
from ..store.outputs import ChecksOutputs
from ..text.errors import Invalid, NotDefined, UsageError, one_line
from ..text.json_values import parsed
from ..track.dataset_protocol import Dataset
from ..track.posed_case import Case
from ..track.track_protocol import Track, case_of
from ..track.training_batches import Batches, ReadsItems, Trains
from ..training.batches import training_batches
from ..training.checkpoint import Card, file_sha256, known_checkpoint, read_card, with_card
from .channel import HungUp, MethodProcess
from .messages import Ending, Job, MethodEnded, Tell
from .read_ahead import ReadAhead
from .shared_starts import start_file

SNAPSHOT = "snapshot"
_EVERY = 20.0
"""Seconds between two snapshots, at most; each validation leaves one too."""
_EXPLODED = 1000.0
"""A loss so many times that of the first step is far off."""
_LATELY = 20
"""Where half of so many last steps are far off, or of all that there are to be, a training has diverged: one alone may
be of a hard batch or block."""
_PROGRESS_EVERY = 0.5
"""Seconds between two steps that are told."""

_TOGETHER = 64
"""Validation items that the method is given at once, at most."""
_MESSAGE = 1 << 23
"""Bytes of validation items after which no more are given at once."""
_POSED_BYTES = 1 << 28
"""Bytes of posed validation items that are held in memory, at most."""


_Posed = tuple[Any, Case]
"""An item with its case."""


class Diverged(Exception):
    """Training has diverged; the message says at which step."""


@dataclass(frozen=True)
class _Setup:
    """What a training is made of, opened. `start` is where its end lies for longer ones, None where it is of no use."""

    recipe: Recipe
    track: Track
    dataset: Dataset
    batches: Batches
    validation: Sequence[int]
    metric: Bound
    protocol: Bound
    seed: int
    start: Path | None
    posed: dict[int, _Posed] = field(default_factory=dict)


@dataclass
class _State:
    """How far a training is: what lies beside the snapshot of its network.

    `losses` are those since the last validation, `earlier` those before it where longer trainings need them.
    """

    step: int = 0
    first: float | None = None
    far: list[bool] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    earlier: list[float] = field(default_factory=list)
    curve: list[CurvePoint] = field(default_factory=list)


def train_cell(
    job: Job, folder: Path, tell: Tell, method: MethodProcess, task: Mapping[str, Any], reader: ThreadPoolExecutor
) -> Ending:
    """Train, or take the checkpoint of its key; leaves it in `folder`."""
    cell = job.cell
    known = known_checkpoint(cell.key)
    if known is not None:
        card = read_card(known)
        return _ending(folder, known.read_bytes(), structs.replace(card.training, imported=True), card.environment)
    for file in plugins_of(cell):
        load_plugin(file)
    course = _opened(job)
    state, snapshot = _read(folder / SNAPSHOT)
    if snapshot is None and course.start is not None and not job.afresh:
        state, snapshot = _reused_state(course.recipe, *_read(course.start))
    # In a sandbox a plug-in has no part in the data.
    batches = _reading(course, state.step, job.threads, plugins_of(cell) if job.sandbox is None else ())
    try:
        begun = _begun(course, state, snapshot, method, task)
        stopped = _stepped(course, state, folder, tell, method, reader)
        return _finished(course, state, stopped, begun, job, folder, method)
    except Diverged as error:
        return Ending(outcome="diverged", reason=str(error))
    finally:
        if batches is not None:
            batches.close()


def _opened(job: Job) -> _Setup:
    cell = job.cell
    track = get_track(cell.track)
    bound = bind(cell.method.display, "method", track.name)
    recipe, seed = recipe_of(bound.kwargs), cell.seed
    assert isinstance(track, Trains)
    dataset, batches, validation = training_batches(
        replace(recipe, sampler=checked_sampler(recipe.sampler)), track, seed
    )
    defaults = track.defaults
    return _Setup(
        recipe,
        track,
        dataset,
        batches,
        validation,
        bind(defaults.validated_by or defaults.rank_by, "metric", track.name),
        bind(defaults.protocol, "protocol", track.name),
        seed,
        start_file(job, recipe),
    )


def _reading(course: _Setup, first: int, threads: int, plugins: Sequence[str]) -> ReadAhead | None:
    """What reads the items of a training that may have more than one thread, where its batches can be read so."""
    if threads == 1 or not isinstance(course.batches, ReadsItems):
        return None
    reader = ReadAhead(data_of(course.recipe, course.seed), course.dataset, threads, plugins)
    course.batches.read_by(reader, first, course.recipe.steps)
    return reader


def _begun(
    course: _Setup, state: _State, snapshot: bytes | None, method: MethodProcess, task: Mapping[str, Any]
) -> Mapping[str, Any]:
    """What the method's process says of the beginning. Raises `UsageError` for a snapshot of another step."""
    import numpy as np

    start = {
        "given": tuple(course.batches.given),
        "wanted": tuple(course.batches.wanted),
        "seed": course.seed,
        "snapshot": None if snapshot is None else np.frombuffer(snapshot, np.uint8),
    }
    begun: Mapping[str, Any] = method.asked("train", task, start)
    if begun["step"] != state.step:
        raise UsageError(
            "the snapshot of the training and the files beside it are of different steps: run with --retry always"
        )
    return begun


def _stepped(
    course: _Setup, state: _State, folder: Path, tell: Tell, method: MethodProcess, reader: ThreadPoolExecutor
) -> str:
    """Take all steps, or those until the training is stopped, which is said. Raises `Diverged`, `Invalid`."""
    steps, higher = course.recipe.steps, bool(course.metric.entry.meta["higher"])
    due = {*_due_steps(course.recipe)}
    kept = sent_at = time.monotonic()
    stopped, asked = "", False
    coming = reader.submit(course.batches, state.step) if state.step < steps else None
    while coming is not None and not stopped:
        if not asked:
            method.ask("step", coming.result())
        step = state.step + 1
        coming = reader.submit(course.batches, step) if step < steps else None
        looked_at = step in due or time.monotonic() - kept >= _EVERY
        # The next batch lies with the method before this step ends, unless the network is looked at in between.
        asked = coming is not None and not looked_at and _asked_ahead(method, coming.result())
        loss = method.answered()
        state.step = step
        _hear_loss(state, loss, steps)
        if step in due:
            point = _validated(course, state, method)
            if course.recipe.keep == "best" and _is_best(state.curve, higher):
                method.asked("keep_best")
            tell({"event": "message", "message": _point_text(course, point)})
            stopped = course.recipe.stop.entry.obj(plain_values(state.curve), higher, **course.recipe.stop.kwargs)
        if looked_at and step < steps and not stopped:
            _keep(folder / SNAPSHOT, state, method)
            kept = time.monotonic()
        now = time.monotonic()
        if now - sent_at >= _PROGRESS_EVERY or step == steps:
            tell({"event": "item", "n": step, "of": steps})
            sent_at = now
    if course.start is not None:
        course.start.parent.mkdir(exist_ok=True)
        _keep(course.start, state, method)
    return stopped


def _due_steps(recipe: Recipe) -> list[int]:
    """The steps after which the network is validated."""
    return [round(recipe.steps * (i + 1) / recipe.checks) for i in range(recipe.checks)]


def _finished(
    course: _Setup, state: _State, stopped: str, begun: Mapping[str, Any], job: Job, folder: Path, method: MethodProcess
) -> Ending:
    """Leave the checkpoint of the training in `folder`. Raises `Diverged`, `Invalid`."""
    done = method.asked("finish")
    training = TrainingHistory(
        recipe=course.recipe.text,
        given=[int(side) for side in course.batches.given],
        wanted=[int(side) for side in course.batches.wanted],
        validation=[course.dataset.ids[i] for i in course.validation],
        metric=course.metric.display,
        higher=bool(course.metric.entry.meta["higher"]),
        steps=state.step,
        of=course.recipe.steps,
        stopped=stopped,
        # Of the network as it is used: what a part does at the end is in it.
        score=_mean_score(course, state.step, method),
        curve=state.curve,
        cost=checked(plain_values(done["cost"]), TrainingCost),
        figures={str(name): float(value) for name, value in done["figures"].items()},
        figure_costs={str(name): str(words) for name, words in done["figure_costs"].items()},
    )
    cell = job.cell
    where = {**job.environment, "device": str(begun["device"])}
    checkpoint = with_card(
        done["weights"].tobytes(),
        Card(
            key=cell.key,
            track=cell.track,
            method=cell.method.spec,
            data={"spec": cell.dataset.spec, "fingerprint": cell.dataset.fingerprint},
            regime=cell.regime.spec,
            seed=cell.seed,
            training=training,
            environment=where,
        ),
    )
    (folder / SNAPSHOT).unlink(missing_ok=True)
    return structs.replace(_ending(folder, checkpoint, training, where), setup_s=float(begun["seconds"]))


def _asked_ahead(method: MethodProcess, batch: Any) -> bool:
    """Ask for a step before the answer to the last one is there. One that ended the process is told by that answer."""
    try:
        method.ask("step", batch)
    except HungUp:
        return False
    return True


def _ending(folder: Path, checkpoint: bytes, training: TrainingHistory, environment: Mapping[str, Any]) -> Ending:
    with noticing_full_disk(folder):
        write_file(folder / WEIGHTS, checkpoint)
    whole = structs.replace(training, weights_sha256=file_sha256(checkpoint))
    return Ending(outcome="ok", reason="", training=whole, environment=dict(environment))


def _hear_loss(state: _State, loss: Any, steps: int) -> None:
    """Take the loss of a step. Raises `Diverged`, `Invalid` for what is none."""
    if loss is None:
        raise Diverged(f"the loss was not finite at step {state.step}")
    if not isinstance(loss, float):
        raise Invalid("its process sent an invalid loss")
    if state.first is None:
        state.first = abs(loss)
    state.far = [*state.far, abs(loss) > _EXPLODED * state.first > 0][-_LATELY:]
    if (times_far := sum(state.far)) >= (min(_LATELY, steps) + 1) // 2:
        times = f"and {_EXPLODED:.0f} times the first or more at {times_far} of {len(state.far)} steps"
        raise Diverged(f"the loss was {loss:.3g} at step {state.step}, {times}")
    state.losses.append(loss)


def _validated(course: _Setup, state: _State, method: MethodProcess) -> CurvePoint:
    point = CurvePoint(
        step=state.step,
        seconds=float(method.asked("seconds")),
        loss=fmean(state.losses) if state.losses else None,
        score=_mean_score(course, state.step, method),
    )
    if course.start is not None:
        state.earlier += state.losses
    state.losses.clear()
    state.curve.append(point)
    return point


def _is_best(curve: Sequence[CurvePoint], higher: bool) -> bool:
    """Whether the last validation is better than each before it."""
    scores = [point.score if higher else -point.score for point in curve if point.score is not None]
    return curve[-1].score is not None and all(score < scores[-1] for score in scores[:-1])


def _mean_score(course: _Setup, step: int, method: MethodProcess) -> float | None:
    """The mean score of the items that are kept for it, None where one has none. Raises `Diverged`, `Invalid`."""
    scores: list[Any] = []
    asked: list[_Posed] = []
    for coming in itertools.chain(_groups(course), [[]]):
        outputs = _outputs(course, step, method, asked) if asked else []
        if coming:  # the method is at work on them while those before them are scored
            method.ask("outputs", [case for _, case in coming])
        for (item, case), output in zip(asked, outputs, strict=True):
            scores.append(
                course.track.score(output, item, case, course.protocol, [course.metric])[course.metric.display]
            )
        asked = coming
    if any(isinstance(score, NotDefined) or not math.isfinite(score) for score in scores):
        return None
    return fmean(map(float, scores))


def _groups(course: _Setup) -> Iterator[list[_Posed]]:
    """The validation items with their cases, in order, as many together as one message may have."""
    group: list[_Posed] = []
    for index in course.validation:
        group.append(_posed(course, index))
        if len(group) == _TOGETHER or sum(_size(case) for _, case in group) >= _MESSAGE:
            yield group
            group = []
    if group:
        yield group


def _posed(course: _Setup, index: int) -> _Posed:
    """A validation item with its case, which is the same each time; made once as long as there is room for it."""
    if index in course.posed:
        return course.posed[index]
    item = course.dataset.load(index)
    posed = item, case_of(course.track, course.recipe.regime, item, 0)
    if (len(course.posed) + 1) * 2 * _size(posed[1]) <= _POSED_BYTES:
        course.posed[index] = posed
    return posed


def _size(case: Case) -> int:
    """Bytes of what a method is given, if it is an array; else as many as a message may have."""
    return int(getattr(case.given, "nbytes", _MESSAGE))


def _outputs(course: _Setup, step: int, method: MethodProcess, asked: Sequence[_Posed]) -> list[Any]:
    """What the network gave for the items that it was asked for. Raises `Diverged`, `Invalid` for what is no output."""
    try:
        outputs = method.answered()
    except MethodEnded as ended:
        if ended.ending.finite:
            raise
        raise Diverged(f"what the network gave was not finite at step {step}") from None
    if not isinstance(outputs, list) or len(outputs) != len(asked):
        raise Invalid("its process sent an invalid answer")
    if isinstance(course.track.outputs, ChecksOutputs):
        for (_, case), output in zip(asked, outputs, strict=True):
            try:
                course.track.outputs.check(output, case.wanted)
            except (ValueError, TypeError) as error:
                raise Invalid(f"its process sent an invalid output: {one_line(error)}") from None
    return outputs


def _point_text(course: _Setup, point: CurvePoint) -> str:
    meta = course.metric.entry.meta
    score = "not defined" if point.score is None else f"{point.score:.{meta['decimals']}f} {meta['unit']}".rstrip()
    return f"step {point.step} of {course.recipe.steps}, validation {course.metric.display} {score}"


def _keep(file: Path, state: _State, method: MethodProcess) -> None:
    """Leave all that going on needs, whole or not at all."""
    snapshot = method.asked("snapshot").tobytes()
    text = json.dumps(vars(state), default=plain_values).encode()
    with noticing_full_disk(file.parent):
        write_file(file, len(text).to_bytes(8, "little") + text + snapshot)


def _read(file: Path) -> tuple[_State, bytes | None]:
    """What an earlier run left, or a beginning."""
    try:
        data = file.read_bytes()
        length = int.from_bytes(data[:8], "little")
        return checked(parsed(data[8 : 8 + length]), _State), data[8 + length :]
    except (OSError, ValueError, TypeError):
        return _State(), None


def _reused_state(recipe: Recipe, state: _State, snapshot: bytes | None) -> tuple[_State, bytes | None]:
    """The end of another training of the recipe as a point on the way of this one, or a beginning.

    It is of use where it has no more steps, and was validated after each step after which this one is to be.
    """
    points = {point.step: point for point in state.curve}
    due = [step for step in _due_steps(recipe) if step <= state.step]
    if state.step > recipe.steps or len(state.earlier) != state.step or not points.keys() >= {*due}:
        return _State(), None
    curve, before = [], 0
    for step in due:
        curve.append(structs.replace(points[step], loss=fmean(state.earlier[before:step])))
        before = step
    return replace(state, curve=curve, earlier=state.earlier[:before], losses=state.earlier[before:]), snapshot
