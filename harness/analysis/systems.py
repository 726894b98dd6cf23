"""The 57 published systems: what each becomes here, what expresses it, its claims and their last verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from ..errors import UsageError, one_line
from .claims import Claim, verdict_row

SYSTEMS = Path(__file__).parent.parent / "systems.yaml"

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


def system_rows(systems: Sequence[System], claims: Sequence[Claim], results: Sequence[Path]) -> list[dict[str, Any]]:
    """A row for each system; `claims` are judged on what `results` (stores or exports) hold, and nothing is run."""
    named = {n for c in claims for n in c.systems}
    held = stored_means([c for c in claims if c.systems], results) if named else {}
    rows = []
    for system in systems:
        own = [c for c in claims if system.number in c.systems]
        verdicts = {
            c.name: verdict_row(c, None, held[c.name], "")["verdict"] if c.name in held else "not run" for c in own
        }
        rows.append(
            {
                **system.model_dump(),
                "state": "not yet" if not system.specs else "part" if system.part else "here",
                "claims": verdicts,
                "verdict": summed(list(verdicts.values())),
            }
        )
    return rows


def summed(verdicts: Sequence[str]) -> str:
    """The verdicts of a system's claims in one text: the one they share, else how many of each; "" without claims."""
    counts = Counter(verdicts)
    if len(counts) == 1 and verdicts:
        return verdicts[0]
    return ", ".join(f"{n} {name}" for name, n in sorted(counts.items()))


def stored_means(claims: Sequence[Claim], results: Sequence[Path]) -> dict[str, float]:
    """Claim → mean over all pictures of its cell, of the results given; a later one wins. Raises `UsageError`."""
    import numpy as np

    from ..registry import DATASETS, METHODS, PROTOCOLS, REGIMES, bind
    from ..store.cells import read_records
    from ..tracks.restore import open_dataset

    wanted: dict[tuple[str, ...], list[Claim]] = {}
    whole: dict[str, int] = {}
    for claim in claims:
        dataset = bind(claim.dataset, DATASETS)
        whole.setdefault(dataset.canonical, len(open_dataset(dataset).ids))
        others = ((claim.method, METHODS), (claim.regime, REGIMES), (claim.protocol, PROTOCOLS))
        spec = (dataset.canonical, *(bind(text, registry).canonical for text, registry in others))
        wanted.setdefault(spec, []).append(claim)
    found: dict[str, float] = {}
    for path in results:
        for record in read_records(path):
            cell = record.cell
            if cell["kind"] != "score" or cell["outcome"] != "ok" or cell["seed"] != 0:
                continue
            spec = (cell["dataset"]["spec"], cell["method"]["spec"], cell["regime"]["spec"], cell["protocol"]["spec"])
            if cell["dataset"]["pictures"] != whole.get(spec[0]):
                continue
            for claim in wanted.get(spec, []):
                if claim.metric in record.scores:
                    found[claim.name] = float(np.mean(record.scores[claim.metric]))
    return found
