"""Bands as the older versions of WCS choose them: keys of one axis called ``bands``.

Source: OGC 03-065r6 clause 8.3.3.3 (axisDescription), OGC 07-067r5 clause 8.3.5 (Field and Axis).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from ogcserver.cube import Band
from ogcserver.errors import InvalidParameter
from ogcserver.ows.xml import ncnames
from ogcserver.wcs.place import choose_bands

AXIS = "bands"


def keys(bands: tuple[Band, ...]) -> tuple[str, ...]:
    """One for each band: its name, altered where it is no XML name."""
    return ncnames(band.name for band in bands)


def chosen(bands: tuple[Band, ...], wanted: tuple[str, ...], locator: str) -> tuple[str, ...]:
    """The names of the bands with these keys, names, or numbers from 1 on; all where none is wanted.

    Args:
        locator: the parameter.

    Raises:
        UnknownField: there is none of this name.
        InvalidParameter: a band occurs twice.
    """
    known = {*keys(bands), *(band.name for band in bands)}
    numbered = {str(number): band.name for number, band in enumerate(bands, 1) if str(number) not in known}
    try:
        return choose_bands(bands, tuple(numbered.get(key, key) for key in wanted))
    except InvalidParameter as error:
        error.locator = locator
        raise


def nodata_texts(bands: Iterable[Band]) -> tuple[str, ...]:
    """The different values that mark missing pixels."""
    values = (math.nan if b.nodata is None and b.dtype.startswith("float") else b.nodata for b in bands)
    return tuple(dict.fromkeys("NaN" if math.isnan(v) else f"{v:.17g}" for v in values if v is not None))
