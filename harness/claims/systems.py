"""The 57 published systems: what each becomes here, what expresses it, its claims and their last verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from ..components.registry import RECIPE_KINDS
from ..components.tracks import DEFAULT
from ..suite.reading import Check, FileModel, read_yaml, yes_or_no
from ..suite.suite import Whole
from ..text.errors import UsageError, one_line
from .effects import Effect
from .numbers import Claim
from .published import JudgedClaim, judged_claim, published_claims

SYSTEMS = Path(__file__).with_name("systems")
"""A file a system."""

NOT_YET = "not yet"
"""The state of a system that nothing here expresses."""

NOT_RUN = "not run"
"""The verdict on a claim that nothing was run for."""

Role = Literal["method", "recipe", "regime", "dataset", "metric", "diagnostic", "sampler", "study"]


@dataclass(frozen=True)
class System(FileModel):
    """One system. `specs` of its `track` are written "kind spec"; `part` says that they are not all of it.

    `suites` set it beside its rivals: `noisebench run SUITE`. `lacks` is what of the paper is missing, or was not
    reproduced at the scale of its claims. `published` are specs with the values that its authors released, width,
    budget and all; `departs` is what of these values our components do not have. `own_data` are the commands for files
    of a user, where those of its track do not serve.
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
    published: tuple[str, ...] = ()
    departs: str = ""
    own_data: tuple[str, ...] = ()


def read_systems(folder: Path = SYSTEMS) -> list[System]:
    """All systems in the order of their numbers. Raises `UsageError` naming the file and the line."""
    due = "number, name, role, about and source are due"
    systems = [read_yaml(path, "system", due).read(System) for path in sorted(folder.glob("*.yaml"))]
    systems.sort(key=lambda system: system.number)
    for number, system in enumerate(systems, 1):
        if system.number != number:
            raise UsageError(f"systems {one_line(folder)}: number {system.number} stands where {number} is due")
    return systems


@dataclass(frozen=True)
class JudgedSystem:
    """A system with what was judged of its claims, in their order; what nothing was run for is `not run`."""

    system: System
    claims: tuple[Claim | Effect, ...]
    judged: tuple[JudgedClaim, ...]

    @property
    def headlines(self) -> list[JudgedClaim]:
        """What the abstract of its paper claims."""
        return [one for claim, one in zip(self.claims, self.judged, strict=True) if _role(claim) == "headline"]

    @property
    def verdict(self) -> str:
        """That of its headlines, of all claims where it has none."""
        return summed([one.verdict_text for one in self.headlines or self.judged])

    @property
    def beside(self) -> dict[str, str]:
        """The verdicts on claims that are no headlines in one text, by their role."""
        roles = dict.fromkeys(_role(claim) for claim in self.claims if self.headlines and _role(claim) != "headline")
        of_role = {
            role: [
                one.verdict_text for claim, one in zip(self.claims, self.judged, strict=True) if _role(claim) == role
            ]
            for role in roles
        }
        return {role: summed(verdicts, counts=True) for role, verdicts in of_role.items()}

    @property
    def files(self) -> list[str]:
        """Where its files lie in the repository: its components, its claims, and what is said of it."""
        components = [_file_of(spec, self.system.track) for spec in self.system.specs]
        groups = [f"harness/claims/{claim.group}.yaml" for claim in self.claims]
        page = [f"harness/claims/systems/{path.name}" for path in SYSTEMS.glob(f"{self.system.number:02}_*.yaml")]
        return list(dict.fromkeys([*components, *groups, *page]))

    def row(self) -> dict[str, Any]:
        """All of it as JSON; the `budget` of a headline are the steps of its longest training."""
        return {
            **asdict(self.system),
            "spec": "; ".join(self.system.specs) or NOT_YET,
            "state": NOT_YET if not self.system.specs else "part" if self.system.part else "here",
            "files": self.files,
            "claims": {one.name: one.verdict_text for one in self.judged},
            "kinds": {claim.name: claim.kind for claim in self.claims},
            "headlines": [
                {
                    "name": one.name,
                    "verdict": one.verdict_text,
                    "effect": one.effect,
                    "low": one.low,
                    "high": one.high,
                    "budget": one.steps,
                    "seeds": list(one.seeds),
                }
                for one in self.headlines
            ],
            "verdict": self.verdict,
        }


def judged_systems(
    systems: Sequence[System], claims: Sequence[Claim | Effect], results: Sequence[Path] | None = None
) -> list[JudgedSystem]:
    """Systems with the verdicts that come with the package, or by what `results` hold, stores or exports.

    Nothing is run.
    """
    numbers = {system.number for system in systems}
    of_these = [claim for claim in claims if numbers & {*claim.systems}]
    judged = published_claims(of_these) if results is None else _judged(of_these, results)
    absent = {c.name: JudgedClaim(c.name, NOT_RUN, seeds=tuple(getattr(c, "seeds", ()))) for c in of_these}
    by_name = {**absent, **judged}
    of_each = [tuple(claim for claim in of_these if system.number in claim.systems) for system in systems]
    return [
        JudgedSystem(system, of_it, tuple(by_name[claim.name] for claim in of_it))
        for system, of_it in zip(systems, of_each, strict=True)
    ]


def system_rows(
    systems: Sequence[System], claims: Sequence[Claim | Effect], results: Sequence[Path] | None = None
) -> list[dict[str, Any]]:
    """A row for each system: see `judged_systems`."""
    return [one.row() for one in judged_systems(systems, claims, results)]


def _judged(claims: Sequence[Claim | Effect], results: Sequence[Path]) -> dict[str, JudgedClaim]:
    """Claims judged on what stores and exports hold, those left out that these have nothing of."""
    from .judging import ABSENT
    from .stored import judged

    rows = zip(claims, judged(claims, results), strict=True)
    return {claim.name: judged_claim(claim, row) for claim, row in rows if row["reason"] != ABSENT}


def _role(claim: Claim | Effect) -> str:
    return claim.role if isinstance(claim, Effect) else claim.kind


def _file_of(spec: str, track: str) -> str:
    kind, _, text = spec.partition(" ")
    name = text.partition("(")[0]
    if kind in RECIPE_KINDS:
        return f"methods/recipes/{RECIPE_KINDS[kind]}/{name}.py"
    folder = f"{kind}s/{track}" if kind in ("method", "dataset") else f"harness/tracks/{track}/{kind}s"
    return f"{folder}/{name}.py"


def summed(verdicts: Sequence[str], counts: bool = False) -> str:
    """The verdicts on claims in one text: the one they share, without `counts`, else how many of each; "" for none."""
    of_each = Counter(verdicts)
    if len(of_each) == 1 and not counts:
        return verdicts[0]
    return ", ".join(f"{n} {name}" for name, n in sorted(of_each.items()))
