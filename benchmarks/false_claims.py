"""How often equal methods are claimed to differ: 1,000 simulated boards a setting, drawn to docs/null.png.

Run by `make reference`. The methods of a board are exchangeable: each picture has a difficulty of its own and every
method adds heavy-tailed noise from one distribution, so that each claim of "better" is false.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from noisebench.report.plots.drawing import COLOURS, GREY, MARKERS, place, styled
from noisebench.statistics.friedman import friedman
from noisebench.statistics.paired_tests import bootstrap_interval, paired_difference, signed_rank
from noisebench.statistics.ranking import ALPHA, rank_ranges

BOARDS = 1_000
METHODS = (2, 3, 5, 10, 20)
PICTURES = (12, 24, 68)
RULES = {
    "ours": "rank ranges of the board (signed-rank, Holm)",
    "plain": "signed-rank without correction",
    "best": "interval of the difference to the best leaves 0 out",
    "nemenyi": "mean ranks differ by the critical difference",
}


def claims(scores: np.ndarray, number: int) -> dict[str, bool]:
    """Whether each rule tells at least two methods of a board (M, n) apart."""
    first, second = np.triu_indices(len(scores), 1)
    p, _ = signed_rank(scores[first] - scores[second])
    best = scores[scores.mean(axis=1).argmax()]
    interval = bootstrap_interval(paired_difference(scores, best), str(number))
    test = friedman(scores)
    assert test is not None
    spread = max(test.mean_ranks) - min(test.mean_ranks)
    return {
        "ours": rank_ranges(scores).significant > 0,
        "plain": bool((p <= ALPHA).any()),
        "best": bool((interval[:, 1] < 0).any()),
        "nemenyi": spread >= test.critical_difference,
    }


def simulate(methods: int, pictures: int, boards: int) -> dict[str, float]:
    """Share of boards on which each rule makes a false claim."""
    rng = np.random.default_rng([methods, pictures])
    count = dict.fromkeys(RULES, 0)
    for number in range(boards):
        scores = rng.normal(28, 4, pictures) + 0.3 * rng.standard_t(4, (methods, pictures))
        for rule, made in claims(scores, number).items():
            count[rule] += made
    return {rule: made / boards for rule, made in count.items()}


def draw(found: dict[tuple[int, int], dict[str, float]], to: Path) -> None:
    """A panel a number of pictures, a line a rule."""
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=(7.0, 3.0))
        for spot, pictures in enumerate(PICTURES):
            axes = place(figure, 0.62 + 2.14 * spot, 0.98, 1.92, 1.62)
            axes.axhline(100 * ALPHA, color=GREY, linewidth=1.0, linestyle="--")
            for i, rule in enumerate(RULES):
                shares = [100 * found[m, pictures][rule] for m in METHODS]
                axes.plot(METHODS, shares, color=COLOURS[i], marker=MARKERS[i], markerfacecolor="white",
                          label=RULES[rule] if spot == 0 else None)  # fmt: skip
            axes.set_xscale("log")
            axes.set_xticks(METHODS, [str(m) for m in METHODS])
            axes.minorticks_off()
            axes.set_ylim(-3, 103)
            axes.set_title(f"{pictures} pictures", fontsize=8)
            axes.set_xlabel("methods on the board")
            if spot:
                axes.tick_params(labelleft=False)
            else:
                axes.set_ylabel("boards with a false claim (%)")
        figure.text(0.5, 0.955, "Equal methods: how often are two of them told apart?", ha="center", fontsize=9)
        figure.legend(loc="lower center", ncols=2, handlelength=2.4, borderaxespad=0.3)
        figure.savefig(to, metadata={"Software": None})


def main(to: str = "docs/null.png", boards: int = BOARDS) -> None:
    """Simulate, draw, and write the figures beside the picture as JSON."""
    found = {(m, n): simulate(m, n, boards) for n in PICTURES for m in METHODS}
    draw(found, Path(to))
    rows = [{"methods": m, "pictures": n, **shares} for (m, n), shares in found.items()]
    lines = ",\n".join("  " + json.dumps(row) for row in rows)
    Path(to).with_suffix(".json").write_text(f'{{"boards": {boards}, "rows": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main(*sys.argv[1:2])
