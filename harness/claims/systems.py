"""The 57 published systems: what each becomes here, what expresses it, its claims and their last verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from ..components.tracks import DEFAULT
from ..suite.reading import Check, FileModel, read_yaml, yes_or_no
from ..suite.suite import Whole
from ..text.errors import UsageError, one_line
from .effects import Effect
from .judging import ABSENT
from .numbers import Claim, told_verdict
from .stored import judged

SYSTEMS = Path(__file__).with_name("systems")
"""A file a system."""

NOT_YET = "not yet"
"""The state of a system that nothing here expresses."""

_HEADLINE = ("name", "verdict", "effect", "low", "high", "seeds")

Role = Literal["method", "recipe", "regime", "dataset", "metric", "diagnostic", "sampler", "study"]


@dataclass(frozen=True)
class System(FileModel):
    """One system. `specs` of its `track` are written "kind spec"; `part` says that they are not all of it.

    `suites` set it beside its rivals: `noisebench run SUITE`. `lacks` is what of the paper is missing, or was not
    reproduced at the scale of its claims.
    """

    number: Whole
    name: str
    role: Role
    about: str
    source: str
    track: str = DEFAULT
    specs: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    part: Annotated[bool, Check(yes_or_no)] = False
    lacks: str = ""


def read_systems(folder: Path = SYSTEMS) -> list[System]:
    """All systems in the order of their numbers. Raises `UsageError` naming the file and the line."""
    due = "number, name, role, about and source are due"
    systems = [read_yaml(path, "system", due).read(System) for path in sorted(folder.glob("*.yaml"))]
    systems.sort(key=lambda system: system.number)
    for number, system in enumerate(systems, 1):
        if system.number != number:
            raise UsageError(f"systems {one_line(folder)}: number {system.number} stands where {number} is due")
    return systems


def system_rows(
    systems: Sequence[System], claims: Sequence[Claim | Effect], results: Sequence[Path]
) -> list[dict[str, Any]]:
    """A row for each system; `claims` are judged on what `results` (stores or exports) hold, and nothing is run.

    Its verdict is that of its headlines, of all claims where it has none.
    """
    numbers = {system.number for system in systems}
    judged_claims = [c for c in claims if numbers & {*c.systems}]
    judged_rows = {row["name"]: row for row in judged(judged_claims, results)}
    verdicts = {name: "not run" if r["reason"] == ABSENT else told_verdict(r) for name, r in judged_rows.items()}
    rows = []
    for system in systems:
        of_it = {c.name: verdicts[c.name] for c in judged_claims if system.number in c.systems}
        headlines = [name for name in of_it if judged_rows[name].get("role") == "headline"]
        rows.append(
            {
                **asdict(system),
                "spec": "; ".join(system.specs) or NOT_YET,
                "state": NOT_YET if not system.specs else "part" if system.part else "here",
                "claims": of_it,
                "kinds": {c.name: c.kind for c in judged_claims if system.number in c.systems},
                "headlines": [
                    {part: judged_rows[name].get(part) for part in _HEADLINE} | {"verdict": of_it[name]}
                    for name in headlines
                ],
                "verdict": summed([of_it[name] for name in headlines or of_it]),
            }
        )
    return rows


def summed(verdicts: Sequence[str]) -> str:
    """The verdicts of a system's claims in one text: the one they share, else how many of each; "" without claims."""
    counts = Counter(verdicts)
    if len(counts) == 1 and verdicts:
        return verdicts[0]
    return ", ".join(f"{n} {name}" for name, n in sorted(counts.items()))
