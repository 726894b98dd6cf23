"""How often equal methods are claimed to differ: 1,000 simulated boards a setting, drawn to docs/null.png.

Run by `make reference`. All methods of a board have one mean, so that each claim of "better" is false. Each picture has
a difficulty of its own. `symmetric`: every method adds heavy-tailed noise from one distribution. `skewed`: every other
method adds exponential noise of mean 0, as one does that fails on a few pictures, the others add little normal noise.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from noisebench.report.plots.drawing import place, styled
from noisebench.report.plots.looks import COLOURS, GREY, MARKERS
from noisebench.statistics.friedman import friedman
from noisebench.statistics.paired_tests import ALPHA
from noisebench.statistics.ranking import rank_ranges
from remake_boards import small_picture
from scipy.special import stdtr
from scipy.stats import wilcoxon

BOARDS = 1_000
METHODS = (2, 5, 10, 20, 50)
PICTURES = (6, 12, 24, 68)
NULLS = ("symmetric", "skewed")
FLIPS = 999
RULES = {
    "ours": "rank ranges of the board",
    "signed_rank": "signed ranks, Holm",
    "sign_flips": "sign flips of the mean",
    "plain": "t test, not corrected",
    "nemenyi": "critical difference",
}


def scores(null: str, methods: int, pictures: int, rng: np.random.Generator) -> np.ndarray:
    """Scores (M, n) of equal methods."""
    hard = rng.normal(28, 4, pictures)
    if null == "symmetric":
        return hard + 0.3 * rng.standard_t(4, (methods, pictures))
    noise = 0.1 * rng.normal(size=(methods, pictures))
    noise[1::2] = 0.3 * (rng.exponential(size=(methods, pictures))[1::2] - 1)
    return hard + noise


def holm(p: np.ndarray) -> np.ndarray:
    """Which of the p values (P,) Holm's step-down rejects."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    told = np.empty(len(p), dtype=bool)
    told[order] = stepped <= ALPHA
    return told


def sign_flips(differences: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Which studentised means of `differences` (P, n) are among the largest 5 % of all after flips of signs."""
    n = differences.shape[1]
    signs = rng.choice((-1.0, 1.0), (FLIPS + 1, n))
    signs[0] = 1.0
    # The sum of squares is the same after each flip: the sums order the studentised means.
    size = np.abs(differences @ signs.T) / np.sqrt((differences**2).sum(axis=1, keepdims=True))
    return (size.max(axis=0) >= size[:, :1] * (1 - 1e-9)).mean(axis=1) <= ALPHA


def told(board: np.ndarray, number: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Which pairs (P,) of the methods of a board (M, n) each rule tells apart."""
    pairs = np.triu_indices(len(board), 1)
    differences = board[pairs[0]] - board[pairs[1]]
    n = differences.shape[1]
    t = differences.mean(axis=1) / differences.std(axis=1, ddof=1) * np.sqrt(n)
    test = friedman(board)
    assert test is not None
    return {
        "ours": rank_ranges(board, str(number)).apart[pairs],
        "signed_rank": holm(wilcoxon(differences, axis=1, method="exact" if n <= 50 else "asymptotic").pvalue),
        "sign_flips": sign_flips(differences, rng),
        "plain": 2 * stdtr(n - 1, -np.abs(t)) <= ALPHA,
        "nemenyi": test.apart[pairs],
    }


def simulate(null: str, methods: int, pictures: int, boards: int) -> dict[str, float]:
    """Share of boards of equal methods on which each rule makes a false claim."""
    rng = np.random.default_rng([NULLS.index(null), methods, pictures])
    count = dict.fromkeys(RULES, 0)
    for number in range(boards):
        for rule, pairs in told(scores(null, methods, pictures, rng), number, rng).items():
            count[rule] += bool(pairs.any())
    return {rule: made / boards for rule, made in count.items()}


def power(null: str, methods: int, pictures: int, boards: int) -> dict[str, float]:
    """Share of pairs that each rule tells apart where each method is better than the next by as much."""
    rng = np.random.default_rng([NULLS.index(null), methods, pictures])
    steps = 0.25 * np.sqrt(12 / pictures) * np.arange(methods)
    found: dict[str, list[float]] = {rule: [] for rule in RULES}
    for number in range(boards):
        board = scores(null, methods, pictures, rng) + rng.permutation(steps)[:, None]
        for rule, pairs in told(board, number, rng).items():
            found[rule].append(float(pairs.mean()))
    return {rule: round(float(np.mean(shares)), 3) for rule, shares in found.items()}


def draw(found: dict[tuple[str, int, int], dict[str, float]], to: Path) -> None:
    """A row a null, a panel a number of pictures, a line a rule."""
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=(7.0, 4.5))
        for line, null in enumerate(NULLS):
            for spot, pictures in enumerate(PICTURES):
                axes = place(figure, 0.58 + 1.6 * spot, 2.72 - 1.8 * line, 1.45, 1.3)
                axes.axhline(100 * ALPHA, color=GREY, linewidth=1.0, linestyle="--")
                for i, rule in enumerate(RULES):
                    shares = [100 * found[null, m, pictures][rule] for m in METHODS]
                    axes.plot(METHODS, shares, color=COLOURS[i], marker=MARKERS[i], markerfacecolor="white",
                              label=RULES[rule] if line == spot == 0 else None)  # fmt: skip
                axes.set_xscale("log")
                axes.set_xticks(METHODS, [str(m) for m in METHODS])
                axes.minorticks_off()
                axes.set_ylim(-2, 52)
                axes.set_title(f"{null}, {pictures} pictures", fontsize=8)
                if line:
                    axes.set_xlabel("methods on the board")
                if spot:
                    axes.tick_params(labelleft=False)
                else:
                    axes.set_ylabel("false claim (%)")
        figure.text(0.5, 0.965, "Equal methods: on how many boards are two of them told apart?", ha="center",
                    fontsize=9)  # fmt: skip
        figure.legend(loc="lower center", ncols=3, handlelength=2.4, borderaxespad=0.3)
        figure.savefig(to, metadata={"Software": None})
    to.write_bytes(small_picture(to.read_bytes()))


def main(to: str = "docs/null.png", boards: int = BOARDS) -> None:
    """Simulate, draw, and write the figures beside the picture as JSON."""
    found = {(null, m, n): simulate(null, m, n, boards) for null in NULLS for n in PICTURES for m in METHODS}
    draw(found, Path(to))
    able = {(null, 10, n): power(null, 10, n, boards // 10) for null in NULLS for n in PICTURES}
    rows, powers = (
        ",\n".join(
            "  " + json.dumps({"null": null, "methods": m, "pictures": n, **shares})
            for (null, m, n), shares in own.items()
        )
        for own in (found, able)
    )
    document = f'{{"boards": {boards}, "rows": [\n{rows}\n],\n"power": [\n{powers}\n]}}\n'
    Path(to).with_suffix(".json").write_text(document)


if __name__ == "__main__":
    main(*sys.argv[1:2])
