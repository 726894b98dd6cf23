"""The 57 published systems: what each becomes here, what expresses it, its claims and their last verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from ..errors import UsageError, one_line
from .claims import Claim, verdict_row
from .effects import CellOf, Effect, effect_row

SYSTEMS = Path(__file__).parent.parent / "systems.yaml"

Held = dict[tuple[str | int, ...], tuple[int, dict[str, float]]]
"""Method, dataset, regime, protocol (canonical) and seed → number of pictures, and the mean of each metric."""

Role = Literal["method", "recipe", "regime", "dataset", "metric", "diagnostic", "sampler", "study"]


class System(BaseModel):
    """One system. `specs` are written "kind spec"; `part` says that they are not all of it, `lacks` what is missing."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    number: int
    name: str
    role: Role
    about: str
    source: str
    specs: list[str] = []
    part: bool = False
    lacks: str = ""


def read_systems(path: Path = SYSTEMS) -> list[System]:
    """All systems in the order of their numbers. Raises `UsageError` naming the file and the field."""
    import yaml

    try:
        systems = TypeAdapter(list[System]).validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"systems {one_line(path)} cannot be read: {one_line(error, 200)}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise UsageError(f"systems {one_line(path)}: {one_line(place)}: {one_line(first['msg'])}") from None
    for number, system in enumerate(systems, 1):
        if system.number != number:
            raise UsageError(f"systems {one_line(path)}: number {system.number} stands where {number} is due")
    return systems


def system_rows(
    systems: Sequence[System], claims: Sequence[Claim | Effect], results: Sequence[Path]
) -> list[dict[str, Any]]:
    """A row for each system; `claims` are judged on what `results` (stores or exports) hold, and nothing is run."""
    own = [c for c in claims if c.systems]
    held = stored_means(results) if own else {}
    verdicts = {c.name: _verdict(c, held) for c in own}
    rows = []
    for system in systems:
        of_it = {c.name: verdicts[c.name] for c in own if system.number in c.systems}
        rows.append(
            {
                **system.model_dump(),
                "spec": "; ".join(system.specs) or "not yet",
                "state": "not yet" if not system.specs else "part" if system.part else "here",
                "claims": of_it,
                "verdict": summed(list(of_it.values())),
            }
        )
    return rows


def _verdict(claim: Claim | Effect, held: Held) -> str:
    if isinstance(claim, Claim):
        ours = _mean(claim, 0, held)
        return "not run" if ours is None else str(verdict_row(claim, None, ours, "")["verdict"])
    values = []
    for seed in claim.seeds:
        found = {name: _mean(cell, seed, held) for name, cell in claim.cells.items()}
        values.append({name: mean for name, mean in found.items() if mean is not None})
    whole = [v for v in values if len(v) == len(claim.cells)]
    verdict = str(effect_row(claim, whole, None, "")["verdict"])
    return "not run" if len(whole) < len(values) else verdict


def summed(verdicts: Sequence[str]) -> str:
    """The verdicts of a system's claims in one text: the one they share, else how many of each; "" without claims."""
    counts = Counter(verdicts)
    if len(counts) == 1 and verdicts:
        return verdicts[0]
    return ", ".join(f"{n} {name}" for name, n in sorted(counts.items()))


def stored_means(results: Sequence[Path]) -> Held:
    """Every scored cell of the results given, a later one instead of an earlier. Raises `UsageError`."""
    import numpy as np

    from ..store.cells import read_records

    held: Held = {}
    for path in results:
        for record in read_records(path):
            cell = record.cell
            if cell["kind"] == "score" and cell["outcome"] == "ok":
                parts = (cell["method"], cell["dataset"], cell["regime"], cell["protocol"])
                means = {metric: float(np.mean(values)) for metric, values in record.scores.items()}
                held[(*(str(part["spec"]) for part in parts), cell["seed"])] = (cell["dataset"]["pictures"], means)
    return held


def _mean(cell: Claim | CellOf, seed: int, held: Held) -> float | None:
    """The mean of a cell's metric over all pictures of its dataset, None where it was not run."""
    from ..registry import DATASETS, METHODS, PROTOCOLS, REGIMES, bind
    from ..tracks.restore import open_dataset

    dataset = bind(cell.dataset, DATASETS)
    others = (bind(cell.regime, REGIMES), bind(cell.protocol, PROTOCOLS))
    specs = (bind(cell.method, METHODS).canonical, dataset.canonical, *(bound.canonical for bound in others))
    pictures, means = held.get((*specs, seed), (0, {}))
    return means.get(cell.metric) if pictures == len(open_dataset(dataset).ids) else None
