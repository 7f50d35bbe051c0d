"""Coverages in GML: where the pixels lie, what they hold, and the values themselves or the file that has them.

Source: OGC 09-146r2 (GML application schema for coverages), OGC 07-036 clause 19.3 (range sets, DataBlock and File).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ogcserver.cube import Block, CubeType, View
from ogcserver.encode.formats import Format, Options
from ogcserver.encode.style import Style
from ogcserver.encode.values import stored
from ogcserver.engine.describe import Description
from ogcserver.errors import TooLarge
from ogcserver.ows import soap
from ogcserver.ows.xml import Element, Elements, serialise
from ogcserver.wcs.domain import Cut, bounded_by, domain_set
from ogcserver.wcs.responses import SCHEMA_LOCATION, elements, range_type, subtype

MEDIA_TYPE = "application/gml+xml"
MOST_VALUES = 1_000_000
"""Of a coverage with its values in the document, which take about ten bytes each."""

_ROLE = "http://www.opengis.net/spec/GMLCOV_geotiff-coverages/1.0/conf/geotiff-coverage"


def shown(coverage: Description, view: View, cut: Cut) -> Description:
    """The part of a coverage that a view is."""
    bands = tuple(band for name in view.bands for band in coverage.bands if band.name == name)
    times = () if "t" in cut.sliced else view.times or coverage.times
    return replace(coverage, grid=view.grid, bands=bands, times=times if coverage.times else ())


def file_coverage(identifier: str, part: Description, cut: Cut, reference: str, media_type: str) -> Element:
    """The coverage, with its values in a file.

    Args:
        reference: URI of the file.
    """
    e = elements()
    role = {"xlink:role": _ROLE} if media_type.startswith("image/tiff") else {}
    file = e(
        "gml:File",
        e("gml:rangeParameters", {"xlink:href": reference, "xlink:arcrole": "fileReference"} | role),
        e("gml:fileReference", reference),
        e("gml:fileStructure"),
        e("gml:mimeType", media_type),
    )
    return _coverage(e, identifier, part, cut, file)


def _coverage(e: Elements, identifier: str, part: Description, cut: Cut, values: Element) -> Element:
    domain = domain_set(e, identifier, part, cut)
    order = " ".join(f"+{axis}" for axis in range(1, int(domain[0].get("dimension", "")) + 1))
    function = e("gml:GridFunction", e("gml:sequenceRule", {"axisOrder": order}, "Linear"))
    return e(
        f"gmlcov:{subtype(part)}",
        {"gml:id": identifier, "xsi:schemaLocation": SCHEMA_LOCATION},
        bounded_by(e, part),
        domain,
        e("gml:rangeSet", values),
        e("gml:coverageFunction", function),
        range_type(e, part.bands),
    )


def gml_format(identifier: str, cut: Cut, in_soap: bool) -> tuple[Format, tuple[tuple[str, str], ...]]:
    """The format of a coverage with its values in the document, and what tells its answers from others."""

    def encode(block: Block, options: Options, style: Style | None) -> bytes:
        part = Description(block.grid, block.bands, () if "t" in cut.sliced else block.times, (), ("", ""))
        e = elements()
        values = e("gml:DataBlock", e("gml:rangeParameters"), e("gml:tupleList", " ".join(_tuples(block))))
        document = _coverage(e, identifier, part, cut, values)
        return serialise(soap.envelope(document) if in_soap else document)

    known = (("id", identifier), ("cut", f"{sorted(cut.sliced)} {cut.first}"), ("soap", str(in_soap)))
    return Format("GML", soap.MEDIA_TYPE if in_soap else MEDIA_TYPE, "gml", {}, _check, encode), known


def _check(options: Options, cube: CubeType) -> None:
    return None


def check_values(coverage: Description, view: View) -> None:
    """
    Raises:
        TooLarge: the view has more than :data:`MOST_VALUES`.
    """
    times = len(view.times or coverage.times) or 1 if coverage.times else 1
    values = view.grid.width * view.grid.height * len(view.bands) * times
    if values > MOST_VALUES:
        raise TooLarge(
            f"{values} values are more than the {MOST_VALUES} that a GML document may have: take a smaller part, "
            "or format=image/tiff",
            locator="format",
        )


def _tuples(block: Block) -> Iterator[str]:
    """The values of each pixel, joined by commas: along rows, then row by row, then time by time."""
    found = stored(block)
    for time in range(found.array.shape[0]):
        for row in range(found.array.shape[2]):
            valid = None if found.valid is None else found.valid[time, :, row]
            yield from (",".join(values) for values in zip(*_texts(found.array[time, :, row], valid), strict=True))


def _texts(values: NDArray[Any], valid: NDArray[np.bool_] | None) -> list[list[str]]:
    """By band; numbers in as many digits as tell each one."""
    texts = values.astype(str)
    if values.dtype.kind == "f":
        texts = np.where(np.isnan(values), "NaN", texts)
    return (texts if valid is None else np.where(valid, texts, "NaN")).tolist()  # type: ignore[no-any-return]
