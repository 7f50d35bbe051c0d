"""Statistics from partial results: those of regions that lie in several chunks are joined exactly.

======== =============================================================================================
avg      mean of the pixels, each weighted by the part of it that the region covers
sum      sum of values x covered parts
count    sum of covered parts of the pixels that are not missing: an area in pixels
sd       standard deviation with the same weights (of the population, not of a sample)
min, max of all pixels of which a part is covered
median   weighted quantiles, see :func:`ogcserver.zonal.kernels.quantiles`
q25, q75
======== =============================================================================================

Without any pixel count is 0, and all others are missing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ogcserver.plan.zonal import QUANTILES
from ogcserver.zonal.kernels import GREATEST, LEAST, SQUARES, SUM, WEIGHT

Floats = NDArray[np.float64]


def nothing(*shape: int) -> Floats:
    """Partial results of no pixel, ``(*shape, 5)``."""
    return np.broadcast_to(np.array([0.0, 0.0, 0.0, np.inf, -np.inf]), (*shape, 5)).copy()


def joined(a: Floats, b: Floats) -> Floats:
    """The partial results ``(..., 5)`` of both together.

    Source: T. Chan, G. Golub, R. LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances",
    1979.
    """
    out = a + b
    both = (a[..., WEIGHT] > 0) & (b[..., WEIGHT] > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = b[..., SUM] / b[..., WEIGHT] - a[..., SUM] / a[..., WEIGHT]
        out[..., SQUARES] += np.where(both, apart**2 * a[..., WEIGHT] * b[..., WEIGHT] / out[..., WEIGHT], 0.0)
    out[..., LEAST] = np.minimum(a[..., LEAST], b[..., LEAST])
    out[..., GREATEST] = np.maximum(a[..., GREATEST], b[..., GREATEST])
    return out


def finished(function: str, parts: Floats, quantiles: Floats, order: tuple[str, ...]) -> Floats:
    """A statistic ``(...)``, NaN where missing.

    Args:
        parts: ``(..., 5)``.
        quantiles: ``(..., quantile)`` in the order of ``order``.
    """
    if function in QUANTILES:
        return quantiles[..., order.index(function)]
    weight = parts[..., WEIGHT]
    if function == "count":
        return weight
    with np.errstate(invalid="ignore", divide="ignore"):
        if function == "avg":
            value = parts[..., SUM] / weight
        elif function == "sd":
            value = np.sqrt(parts[..., SQUARES] / weight)
        else:
            value = parts[..., {"sum": SUM, "min": LEAST, "max": GREATEST}[function]]
    return np.where(weight > 0, value, np.nan)
