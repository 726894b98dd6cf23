"""The pages of published systems: what each is here, the verdicts on its claims, and how to use it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from ...claims.effects import Effect
from ...claims.numbers import Claim
from ...claims.published import JudgedClaim
from ...claims.systems import JudgedSystem
from ...text.wording import counted
from ..systems import commands_for_own_data, effect_text
from .boards import SiteBoard
from .layout import Parts, whole_page
from .markup import Content, Html, bullets, code_block, element, joined, link, row_filter, table, with_links

_GOOD, _BAD = ("reproduced", "close"), ("differs",)


_MEANINGS = (
    ("reproduced", "it came out as the paper says"),
    ("differs", "it came out otherwise"),
    ("undecided", "the seeds that ran do not tell"),
    ("setting cannot show it", "what the claim presupposes is not so here"),
    ("stale", "code behind it has changed since"),
)
_OUTSIDE_BRACKETS = re.compile(r"; (?![^()]*\))")
_HIDING = (
    ("no-difference", "only systems with a claim that differs"),
    ("nothing-reproduced", "only systems with a claim that is reproduced"),
)


def verdict_badge(text: str, count: int = 1) -> Html:
    """A verdict as a badge, with the number of claims that have it."""
    verdict = text.removesuffix(" (stale)")
    shade = "good" if verdict in _GOOD else "bad" if verdict in _BAD else "warn"
    shown = text if count == 1 else f"{text} × {count}"
    return element("span", shown or "no claim", class_=f"badge {shade if text else ''}".rstrip())


def system_path(number: int) -> str:
    """The page of a system in the site."""
    return f"systems/{number}.html"


def system_site_page(
    judged: JudgedSystem, boards: Mapping[str, SiteBoard], pages: Mapping[str, str], parts: Parts
) -> bytes:
    """The page of a system; `pages` are the addresses of components by kind, track and name: `method restore/nlm`."""
    system = judged.system
    about = f"{system.about[:1].upper()}{system.about[1:]}."
    contents: list[Content] = [
        element("p", f"system {system.number}, a {system.role} of the track {system.track}", class_="soft"),
        element("h1", system.name),
        element("p", with_links(about), class_="lead"),
        element("p", "Source: ", with_links(system.source)),
        bullets(_spec(spec, system.track, pages) for spec in system.specs),
        element("h2", "Verdicts" if judged.headlines else "Verdicts on its claims"),
        _verdicts(judged.headlines or judged.judged, {claim.name: claim for claim in judged.claims}),
    ]
    if judged.beside:
        text = "; ".join(f"{role}s: {verdict}" for role, verdict in judged.beside.items())
        contents.append(element("p", f"{text[:1].upper()}{text[1:]}."))
    if system.published or system.departs:
        contents += [element("h2", "As released"), bullets(element("code", spec) for spec in system.published)]
        contents += [element("p", f"Not here: {system.departs}.")] if system.departs else []
    if system.lacks:
        contents += [
            element("h2", "What did not show here, or is not built"),
            bullets(f"{part[:1].upper()}{part[1:]}" for part in _OUTSIDE_BRACKETS.split(system.lacks)),
        ]
    if system.suites:
        contents += [element("h2", "Board"), bullets(_board(suite, boards) for suite in system.suites)]
        contents += [element("h2", "How to use it on your own data"), code_block(commands_for_own_data(system))]
    contents += [element("h2", "Files"), bullets(element("code", file) for file in judged.files)]
    return whole_page(system_path(system.number), system.name, *contents, parts=parts, about=about)


def system_index(systems: Sequence[JudgedSystem], parts: Parts) -> bytes:
    """All systems, by number."""
    rows: list[Sequence[Content]] = [
        (str(one.system.number), link(one.system.name, f"{one.system.number}.html"), one.system.track, one.system.role,
         joined(_badges(one), " "))
        for one in systems
    ]  # fmt: skip
    states = [" ".join(_states(one)) for one in systems]
    contents: list[Content] = [
        element("h1", "Published systems"),
        element("p", "What noisebench has of published work, and whether the claims of its papers came out here. "
                "Verdicts are on what the abstract of a paper claims, from intervals over seeds and items."),
        element("p", "; ".join(f"{name}: {meaning}" for name, meaning in _MEANINGS), ".", class_="soft"),
        element("p", *_guides()) if "Documentation" in parts else "",
        row_filter(_HIDING),
        table("Published systems", ("#", "system", "track", "what it is", "verdicts"), rows, (0,), states),
    ]  # fmt: skip
    about = "Published systems with the verdicts on their claims."
    return whole_page("systems/index.html", "Systems", *contents, parts=parts, about=about)


def _guides() -> tuple[Content, ...]:
    judged, numbers = link("How claims are judged", "../docs/claims.html"), "../docs/published.html"
    return judged, ", and ", link("the numbers of papers beside ours", numbers), "."


def _badges(one: JudgedSystem) -> list[Html]:
    """A badge for each verdict on the claims of the abstract, on all claims where it has none."""
    counts = Counter(judged.verdict_text for judged in one.headlines or one.judged)
    return [verdict_badge(text, count) for text, count in sorted(counts.items())] or [verdict_badge("")]


def _states(one: JudgedSystem) -> list[str]:
    verdicts = {judged.verdict for judged in one.judged}
    lacking = (("no-difference", _BAD), ("nothing-reproduced", _GOOD))
    return [state for state, wanted in lacking if verdicts.isdisjoint(wanted)]


def _spec(spec: str, track: str, pages: Mapping[str, str]) -> Html:
    kind, _, text = spec.partition(" ")
    address = pages.get(f"{kind} {track}/{text.partition('(')[0]}")
    code = element("code", text)
    return joined([f"{kind} ", link(code, f"../{address}") if address else code], "")


def _board(suite: str, boards: Mapping[str, SiteBoard]) -> Html:
    board = boards.get(suite) or boards.get(suite.removeprefix("demo_"))
    name = link(suite, f"../{board.path}") if board else suite
    return joined([name, ": ", element("code", f"noisebench run {suite}")], "")


def _verdicts(judged: Sequence[JudgedClaim], claims: Mapping[str, Claim | Effect]) -> Html:
    if not judged:
        return element("p", "No claim is judged.")
    head = ("claim", "verdict", "effect, 95 % interval", "training, seeds")
    return table("Verdicts", head, [_claim_row(one, claims.get(one.name)) for one in judged])


def _claim_row(one: JudgedClaim, claim: Claim | Effect | None) -> tuple[Content, ...]:
    effect = effect_text(one)
    took = [counted(one.steps, "step")] if one.steps is not None else []
    took += [counted(len(one.seeds), "seed")] if one.seeds else []
    why = [element("div", one.reason, class_="soft")] if one.reason else []
    verdict = joined([verdict_badge(one.verdict_text), *why], "")
    says = [element("div", claim.says, class_="soft")] if isinstance(claim, Effect) else []
    name = joined([one.name.replace("_", " "), *says], "")
    return name, verdict, element("code", effect) if effect else "", ", ".join(took)
