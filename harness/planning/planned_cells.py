"""The cells of a plan as columns. Those that differ in their regime alone have one template, in which each regime is
put when the cell is asked for: a plan of 100 methods under 1,000 regimes is made and sent as 100 cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

from msgspec import Struct, structs

from ..store.cell import NamedPart
from ..store.keys import Texts, key_form, key_in, parts_of
from .cells import PlannedCell


class RegimeFields(Struct, frozen=True):
    """What a cell has of its regime: its stored part, how requests name it, and what it adds to the key."""

    part: NamedPart
    requested: list[str]
    inputs: dict[str, Any]


class PlannedCells(Sequence[PlannedCell]):
    """Cells of a plan, in order: by place its key, its template, and the regime in it; -1 for that of the template."""

    def __init__(
        self,
        templates: list[PlannedCell],
        regimes: list[RegimeFields],
        keys: list[str],
        template_of: list[int],
        regime_of: list[int],
    ) -> None:
        self.templates, self.regimes, self.keys = templates, regimes, keys
        self.template_of, self.regime_of = template_of, regime_of

    @classmethod
    def of(cls, cells: Iterable[PlannedCell]) -> PlannedCells:
        """Cells that are at hand."""
        templates = list(cells)
        count = len(templates)
        return cls(templates, [], [cell.key for cell in templates], list(range(count)), [-1] * count)

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, place: int) -> PlannedCell: ...
    @overload
    def __getitem__(self, place: slice) -> list[PlannedCell]: ...
    def __getitem__(self, place: int | slice) -> PlannedCell | list[PlannedCell]:
        if isinstance(place, slice):
            return [self[one] for one in range(len(self))[place]]
        return self._cell(self.keys[place], self.template_of[place], self.regime_of[place])

    def __iter__(self) -> Iterator[PlannedCell]:
        return map(self._cell, self.keys, self.template_of, self.regime_of)

    def __add__(self, other: PlannedCells) -> PlannedCells:
        templates, regimes = len(self.templates), len(self.regimes)
        return PlannedCells(
            [*self.templates, *other.templates],
            [*self.regimes, *other.regimes],
            [*self.keys, *other.keys],
            [*self.template_of, *(place + templates for place in other.template_of)],
            [*self.regime_of, *(place if place < 0 else place + regimes for place in other.regime_of)],
        )

    def _cell(self, key: str, template: int, regime: int) -> PlannedCell:
        """A cell; it shares objects with others, so nothing in it may be changed."""
        cell = self.templates[template]
        if regime < 0:
            return cell
        fields = self.regimes[regime]
        assert cell.inputs is not None and cell.request is not None
        return structs.replace(
            cell,
            key=key,
            regime=fields.part,
            inputs={**cell.inputs, **fields.inputs},
            request=structs.replace(cell.request, regimes=fields.requested),
        )


class CellCross:
    """Cells under way to a plan: templates and regimes are added once, then put together one by one."""

    def __init__(self, known: Texts) -> None:
        self.cells = PlannedCells([], [], [], [], [])
        self._known = known
        self._forms: list[str] = []
        self._parts: tuple[str, ...] = ()

    def add_regime(self, fields: RegimeFields) -> None:
        """The regime of the cells that are put from now on."""
        self.cells.regimes.append(fields)
        self._parts = parts_of(fields.inputs, self._known)

    def add_template(self, cell: PlannedCell) -> int:
        """The place of a template, whose inputs have those of the present regime."""
        assert cell.inputs is not None
        self._forms.append(key_form(cell.inputs, self.cells.regimes[-1].inputs, self._known))
        self.cells.templates.append(cell)
        return len(self._forms) - 1

    def put(self, template: int) -> None:
        """The next cell: a template with the present regime."""
        self.cells.keys.append(key_in(self._forms[template], self._parts))
        self.cells.template_of.append(template)
        self.cells.regime_of.append(len(self.cells.regimes) - 1)
