"""The level of a noise, as regimes take it."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Le

from ....spec.parameter_types import AxisLabel

Decibels = Annotated[float, Ge(-60), Le(120), AxisLabel("SNR (dB)")]
