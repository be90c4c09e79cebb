"""The upper tail of a count: how unlikely so many are, as -log10 of the chance, far out and without a library of statistics.

A negative binomial with a stated mean and variance. Where its shape is large the tail is the saddle-point approximation of
Lugannani and Rice (1980); where it is small (few counts that come in clumps) the incomplete beta function's continued fraction.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from teiten.detect.baseline import Floats

_SHAPE: Final = 4.0
"""shape above which the approximation holds to some percent"""
_STEPS: Final = 30
_TINY: Final = 1e-30
_CLOSE: Final = 1e-9
"""a step that changes the sum by less than this part is the last"""


def tail(x: Floats, mu: Floats, phi: Floats, unsure: Floats) -> Floats:
    """-log10 of the chance of `x` or more where `mu` are expected: a negative binomial with variance phi mu + unsure mu^2.

    0 where x lies at mu or below. Shapes broadcast; mu is above 0.
    """
    x, mu, phi, unsure = np.broadcast_arrays(x, mu, phi, unsure)
    out = np.zeros(x.shape)
    above = (x > mu) & (x > 0)
    x, mu, phi, unsure = np.maximum(x[above], 1.0), np.maximum(mu[above], 1e-9), phi[above], unsure[above]
    shape = 1.0 / np.clip((phi - 1.0) / mu + unsure, 1e-7, None)
    large = shape > _SHAPE
    found = np.empty(x.shape)
    found[large] = _saddle(x[large], mu[large], shape[large])
    found[~large] = _beta(x[~large], mu[~large], shape[~large])
    out[above] = np.maximum(found, 0.0)
    return out


def _saddle(x: Floats, mu: Floats, r: Floats) -> Floats:
    more = np.log1p((x - mu) / (mu + r))
    turned = np.log(x / mu) - more
    w = np.sqrt(np.maximum(2 * (x * np.log(x / mu) - (x + r) * more), 1e-12))
    u = -np.expm1(-turned) * np.sqrt(x + x * x / r)
    mills = 4.0 / (3.0 * w + np.sqrt(w * w + 8.0))  # Sampford (1953): within half a percent from w = 1 on
    rest = np.maximum(mills + 1.0 / np.maximum(u, 1e-9) - 1.0 / w, 0.1 / (1.0 + w))
    out: Floats = -(-0.5 * w * w - 0.5 * np.log(2 * np.pi) + np.log(rest)) / np.log(10.0)
    return out


def _beta(x: Floats, mu: Floats, r: Floats) -> Floats:
    """The incomplete beta function I_q(x, r), q = mu / (mu + r), by Lentz's continued fraction: exact to many digits."""
    q = mu / (mu + r)
    c = np.ones(x.shape)
    d = 1.0 / _apart(1.0 - (x + r) * q / (x + 1.0))
    h = d.copy()
    for m in range(1, _STEPS):
        for a in (
            m * (r - m) * q / ((x + 2 * m - 1) * (x + 2 * m)),
            -(x + m) * (x + r + m) * q / ((x + 2 * m) * (x + 2 * m + 1)),
        ):
            d = 1.0 / _apart(1.0 + a * d)
            c = _apart(1.0 + a / c)
            step = d * c
            h = h * step
        if not step.size or np.abs(step - 1.0).max() < _CLOSE:
            break  # x lies above the mean: far above it a few steps do
    logs = x * np.log(q) + r * np.log1p(-q) - np.log(x) - (_log_gamma(x) + _log_gamma(r) - _log_gamma(x + r))
    out: Floats = -(logs + np.log(np.maximum(h, _TINY))) / np.log(10.0)
    return out


def _apart(x: Floats) -> Floats:
    """Never nought."""
    return np.where(np.abs(x) < _TINY, _TINY, x)


def _log_gamma(z: Floats) -> Floats:
    """ln Gamma, by Stirling's series eight steps up; to ten digits for z > 0."""
    below = np.zeros(z.shape)
    for n in range(8):
        below += np.log(z + n)
    y = z + 8.0
    inverse = 1.0 / y
    series = inverse * (1 / 12 - inverse**2 * (1 / 360 - inverse**2 / 1260))
    out: Floats = (y - 0.5) * np.log(y) - y + 0.5 * np.log(2 * np.pi) + series - below
    return out
