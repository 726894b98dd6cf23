"""The split of the error over noise draws in a study: a table a board, and a line a picture as CSV and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from ....report.escape import latex, markdown, spreadsheet
from ....report.tables import TextTable, csv_text, latex_float, to_markdown
from ....report.track_protocols import DrawsSection
from ....store.results import Results
from ....suite.study import DRAWS
from ....text.errors import UsageError, one_line
from ....text.notation import number
from ....text.wording import by_number
from ..draws import Split, splits

METHOD = (
    "Mean squared error over draws of the noise, in grey levels² (of 255), means over pictures: MSE = bias² + "
    "variance, exactly. Bias² is the error of the mean over draws, variance what the noise makes the result do about "
    "that mean; both are unbiased estimates, so a bias² of 0 may come out slightly below."
)


def draws_section(store: Path, records: Results) -> DrawsSection:
    """The split of every method that can be split. Raises `UsageError` where there is none."""
    split, missing = splits(store, records)
    if not split:
        raise UsageError(f"study x: {DRAWS}: no error can be split: {missing[0]}")
    return DrawsSection(
        draws_markdown(split, missing), draws_latex(split), draws_csv(split), draws_values(split, missing)
    )


def draws_table(splits: Sequence[Split]) -> TextTable:
    """A row a method, the least error first."""
    rows = []
    for split in sorted(splits, key=lambda s: (float(s.mse.mean()), by_number(s.method))):
        mse, bias, variance = (float(v.mean()) for v in (split.mse, split.bias, split.variance))
        share = f"{100 * variance / mse:.0f} %" if mse > 0 else "–"
        rows.append((split.method, *(number(v, 1) for v in (mse, bias, variance)), share))
    header = ("method", "MSE", "bias²", "variance", "share of variance")
    return TextTable(header, (False, True, True, True, True), tuple(rows))


def draws_markdown(splits: Sequence[Split], missing: Sequence[str]) -> list[str]:
    """Lines of Markdown, with a heading a board."""
    out = []
    for title, group in _boards(splits):
        out += [f"## {markdown(title)}", "", markdown(METHOD), "", *to_markdown(draws_table(group)), ""]
    return [*out, *(f"- not split: {markdown(one_line(why, 300))}" for why in missing), *([""] if missing else [])]


def draws_latex(splits: Sequence[Split]) -> list[str]:
    """Lines of LaTeX, a table a board."""
    out = []
    for place, (title, group) in enumerate(_boards(splits), 1):
        out += latex_float(latex(f"{title}. {METHOD}"), draws_table(group), label=f"tab:noisebench-draws-{place}")
    return out


def draws_csv(splits: Sequence[Split]) -> str:
    """A line a method and picture."""
    rows: list[tuple[object, ...]] = []
    for s in splits:
        for item, *values in zip(s.items, s.mse, s.bias, s.variance, strict=True):
            names = spreadsheet(s.where), spreadsheet(s.method), s.draws, spreadsheet(item)
            rows.append((*names, *(f"{v:.9g}" for v in values)))
    return csv_text(("where", "method", "draws", "item", "mse_255", "bias_squared_255", "variance_255"), rows)


def draws_values(splits: Sequence[Split], missing: Sequence[str]) -> dict[str, Any]:
    """The same as plain values."""
    rows = [
        {"where": s.where, "method": s.method, "draws": s.draws, "items": list(s.items), "mse": s.mse.tolist(),
         "bias_squared": s.bias.tolist(), "variance": s.variance.tolist()}
        for s in splits
    ]  # fmt: skip
    return {"unit": "grey levels squared, of 255", "splits": rows, "not_split": list(missing)}


def _boards(splits: Sequence[Split]) -> list[tuple[str, list[Split]]]:
    def title(split: Split) -> str:
        return f"Error over {split.draws} noise draws: {split.where}"

    return [
        (name, list(group)) for name, group in groupby(sorted(splits, key=lambda split: by_number(title(split))), title)
    ]
