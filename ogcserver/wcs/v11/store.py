"""Where the file of a coverage is: ``store=true``.

Nothing is stored. The address is that of a GetCoverage of WCS 1.0.0, which names the very pixels by box and size, and
whose answer is the file alone. It is computed when it is fetched, as often as it is, and never expires.

Source: OGC 07-067r5 clause 10.3.11 (a coverage that is stored is named by an ows:Reference); ADR 28.
"""

from __future__ import annotations

from urllib.parse import urlencode

from ogcserver.coverages.output import FileEncoder
from ogcserver.cube import View
from ogcserver.geo.grid import Grid
from ogcserver.jobs.layers import Layer
from ogcserver.wcs.bands import AXIS


def address(url: str, layer: Layer, view: View, stated: Grid, make: FileEncoder, whole: bool) -> str:
    """The address of the file.

    Args:
        url: where KVP requests go, with a ``?`` at the end.
        stated: where the answer says that its pixels lie.
        whole: whether the request names no bands.
    """
    items = {
        "SERVICE": "WCS",
        "VERSION": "1.0.0",
        "REQUEST": "GetCoverage",
        "COVERAGE": layer.id,
        "CRS": stated.crs,
        "BBOX": ",".join(repr(float(edge)) for edge in stated.bounds),
        "WIDTH": str(stated.width),
        "HEIGHT": str(stated.height),
        "INTERPOLATION": view.resampling,
        "FORMAT": make.format.name,
    }
    if view.times:
        items["TIME"] = ",".join(view.times)
    if not whole:
        items[AXIS] = ",".join(view.bands)
    return url + urlencode(items)
