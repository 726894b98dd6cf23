"""A plot as a figure of LaTeX: at its own size where a style has columns, so that its text stays as it is."""

from __future__ import annotations

from ..escape import latex
from .drawing import ONE_COLUMN, Plot


def figure_latex(plot: Plot, folder: str, label: str, options: str, *, columns: bool) -> list[str]:
    """Lines with the PDF of `plot` below `folder`; `options` hold where the style has no `columns`.

    With columns a plot that has a narrow form stands in one, any other across both.
    """
    kind = "figure*" if columns and plot.narrow is None else "figure"
    file = f"{folder}/{ONE_COLUMN}/{plot.name}" if plot.narrow is not None else f"{folder}/{plot.name}"
    graphics = rf"\includegraphics{{{file}.pdf}}" if columns else rf"\includegraphics[{options}]{{{file}.pdf}}"
    return ["", rf"\begin{{{kind}}}", r"\centering", graphics, rf"\caption{{{latex(plot.caption)}}}",
            rf"\label{{{label}}}", rf"\end{{{kind}}}"]  # fmt: skip
