"""What is made of the committed verdicts: docs/published.md, the verdicts of the package, docs/systems/*.

build/published.csv has a row a claim.

python benchmarks/remake_published.py        a minute, nothing is run
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from noisebench.claims.effects import Effect, all_claims
from noisebench.claims.numbers import Claim
from noisebench.claims.published import PUBLISHED, judged_claim, published_bytes
from noisebench.claims.stale import code_behind
from noisebench.claims.stored import cells_behind, judged, keys_of
from noisebench.claims.systems import judged_systems, read_systems
from noisebench.report.claims import claims_csv, claims_summary
from noisebench.report.plots.budgets import draw_budgets
from noisebench.report.systems import system_page
from remake_boards import small_picture

ROOT = Path(__file__).parent.parent
SYSTEMS = ROOT / "docs" / "systems"
TABLE = ROOT / "build" / "published.csv"
PIXELS = 520
"""The width of a plot of effects by budget."""


def main() -> None:
    claims, results = all_claims(), sorted((ROOT / "results" / "claims").iterdir())
    rows = judged(claims, results)
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(claims_csv(rows), encoding="utf-8")
    summary = claims_summary(rows, "`build/published.csv`, which `make published` writes")
    (ROOT / "docs" / "published.md").write_text(summary, encoding="utf-8")
    known = [(claim, row) for claim, row in zip(claims, rows, strict=True) if row["verdict"] != "not available"]
    cells = cells_behind([row for _, row in known if not row["stale"]], results)
    behind: dict[str, dict[str, str]] = {}
    for claim, row in known:
        if not row["stale"]:
            code = [code_behind(cells[key]["of"]) for key in keys_of(row)]
            behind[claim.name] = {name: value for one in code for name, value in one.items()}
    PUBLISHED.write_bytes(published_bytes((judged_claim(*one) for one in known), behind))
    for number, page in system_pages(claims).items():
        (SYSTEMS / f"{number}.md").write_text(page, encoding="utf-8")
    for one in judged_systems(read_systems(), claims):
        if (plot := draw_budgets(one.judged)) is not None:
            (SYSTEMS / f"{one.system.number}_budgets.png").write_bytes(small_picture(plot.png, PIXELS))


def system_pages(claims: Sequence[Claim | Effect]) -> dict[int, str]:
    """The page of each system, by the verdicts of the package."""
    pages = {}
    for one in judged_systems(read_systems(), claims):
        # The committed board of `demo_functions` is that of its track.
        names = {suite: suite if _board(suite).is_dir() else suite.removeprefix("demo_") for suite in one.system.suites}
        pictured = next((suite for suite, name in names.items() if (_board(name) / "board.png").is_file()), "")
        folders = {suite: f"../../reports/{name}" for suite, name in names.items()}
        pages[one.system.number] = system_page(one, folders, pictured)
    return pages


def _board(name: str) -> Path:
    return ROOT / "reports" / name


if __name__ == "__main__":
    main()
