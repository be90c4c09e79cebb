"""How often a day shows something so unlikely somewhere, when nothing happens: told from the most unlikely of each day before.

Counts are no Poisson's: a source sends a thousand packets for no reason, and a model's tail is only as good as the model. So
the days before judge: of each the least likely count of all series of a kind (-log10 of its chance by the baseline). Their
logarithm is taken to have a Gumbel distribution (that of maxima), fitted by its quartiles, so that a day on which something did
happen does not count. Few days before: what is fitted lies nearer to what is usually seen, and is wider.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from teiten.detect.baseline import Floats

_FLOOR: Final = 4.0
"""the least likely count of a usual day, as -log10 of its chance, that is taken at least: some ten thousand are tried"""
_WIDTH: Final = 0.11
"""and how wide it lies (in logarithms) at least: 0.434 / _FLOOR, that of a model that is right"""
_DAYS: Final = 10.0
"""days that what is usually seen counts for"""
_USUAL: Final = 0.2
"""the width that is usually seen"""
_QUARTILES: Final = np.log(-np.log(np.array([0.25, 0.5, 0.75]))) * -1.0
"""of the standard Gumbel distribution"""


@dataclass(frozen=True, slots=True)
class Maxima:
    """A Gumbel distribution of the logarithm of the day's least likely count."""

    at: float
    width: float
    days: int

    def score(self, found: Floats) -> Floats:
        """-log10 of the days that show one so unlikely; negative: more than one a day."""
        out: Floats = (np.log(np.maximum(found, 1e-9)) - self.at) / self.width / np.log(10.0)
        return np.maximum(out, -9.0)

    def height(self, share: float) -> float:
        """What is passed on this share of the days (0 to 1)."""
        return float(np.exp(self.at - self.width * np.log(max(share, 1e-9))))


def fit(most: Floats) -> Maxima:
    """From the least likely count of each day before."""
    if not most.size:
        return Maxima(float(np.log(_FLOOR)) + _USUAL, 1.5 * _USUAL, 0)
    logs = np.log(np.maximum(most, _FLOOR))
    low, middle, high = np.quantile(logs, [0.25, 0.5, 0.75])
    wide = 0.5 * ((middle - low) / (_QUARTILES[1] - _QUARTILES[0]) + (high - low) / (_QUARTILES[2] - _QUARTILES[0]))
    width = max(_WIDTH, (most.size * wide + _DAYS * _USUAL) / (most.size + _DAYS))
    return Maxima(float(middle - _QUARTILES[1] * width), float(width), int(most.size))
