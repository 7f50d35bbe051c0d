"""Collections: what jobs are as geospatial data, without pixels.

Source: OGC 20-024 draft (Common part 2) for collections and extents with grids; OGC 23-058r2 (schemas of fields);
OGC 09-146r8 (CIS) for domain sets and range types, from which GDAL learns the pixels of a coverage.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ogcserver.coverages.boxes import coverage_bounds, projected_grid
from ogcserver.cube import Band
from ogcserver.engine.describe import Description
from ogcserver.geo.crs import metres_per_unit, uri
from ogcserver.geo.grid import Bounds, Grid
from ogcserver.geo.tiles import PIXEL_M
from ogcserver.jobs.layers import Layer
from ogcserver.maps.styles import styles_of
from ogcserver.ogcapi.crs import CRS84, CRS84_URI, Crs, storage_crs
from ogcserver.ogcapi.links import (
    COVERAGE,
    DOMAIN_SET,
    JSON_SCHEMA,
    MAP,
    RANGE_TYPE,
    SCHEMA,
    STYLES,
    Addresses,
    Json,
    Link,
    document_links,
    geotiff_link,
    link,
    map_links,
)
from ogcserver.ogcapi.negotiate import JSON
from ogcserver.ogcapi.subsets import axis_labels

GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"
_FURTHER_CRS = ("EPSG:4326", "EPSG:3857")
"""Listed for every collection besides its own and CRS84; any other that PROJ knows can be asked for as well."""
_NETCDF = "application/x-netcdf"


def collection(layer: Layer, addresses: Addresses, details: bool) -> Json:
    """The description of a collection.

    Args:
        details: with the time of each observation, which may be many.
    """
    crs = storage_crs(layer.description.grid.crs)
    return {
        "id": layer.id,
        "title": layer.title or layer.id,
        **({"description": layer.abstract} if layer.abstract else {}),
        "dataType": "coverage",
        "extent": _extent(layer.description, crs, details),
        "crs": list(dict.fromkeys([crs.uri, CRS84_URI, *map(uri, _FURTHER_CRS)])),
        "storageCrs": crs.uri,
        "scaleDenominator": _scale(layer.description.grid),  # from which GDAL takes the size of maps
        "links": list(_links(layer, addresses)),
    }


def _scale(grid: Grid) -> float:
    return grid.lattice.dx * metres_per_unit(grid.crs) / PIXEL_M


def _links(layer: Layer, addresses: Addresses) -> Iterable[Link]:
    here, title = addresses.collection(layer), layer.title or layer.id
    yield from document_links(here, title)
    yield from map_links(here, title)
    yield link(STYLES, f"{here}/styles", JSON, "Styles")
    # GDAL takes all maps and coverages for ones in longitude and latitude; of links to maps it follows the last PNG, of
    # those to coverages the first GeoTIFF
    if storage_crs(layer.description.grid.crs) != CRS84:
        yield link(MAP, f"{here}/map?f=png&crs={CRS84_URI}", "image/png", f"{title} as a map in longitude and latitude")
        yield geotiff_link(f"{here}/coverage?f=geotiff&crs={CRS84_URI}", f"{title} in longitude and latitude")
    yield geotiff_link(f"{here}/coverage?f=geotiff", title)
    yield link(COVERAGE, f"{here}/coverage?f=netcdf", _NETCDF, title)
    yield link(SCHEMA, f"{here}/schema", JSON_SCHEMA, "Fields")
    yield link(DOMAIN_SET, f"{here}/coverage/domainset?crs={CRS84_URI}", JSON, "Pixels in longitude and latitude")
    yield link(RANGE_TYPE, f"{here}/coverage/rangetype", JSON, "Fields as in CIS")


def _extent(coverage: Description, crs: Crs, details: bool) -> Json:
    grid = coverage.grid
    spatial: Json = {"bbox": [list(_around(coverage.boxes))], "crs": CRS84_URI}
    if crs != CRS84:
        spatial["storageCrsBbox"] = [list(crs.ordered(grid.bounds))]
    west, south, _, _ = grid.bounds
    axes = [_cells(west, grid.lattice.dx, grid.width), _cells(south, grid.lattice.dy, grid.height)]
    spatial["grid"] = axes[::-1] if crs.north_first else axes
    extent: Json = {"spatial": spatial}
    if all(coverage.interval):
        temporal: Json = {"interval": [list(coverage.interval)], "trs": GREGORIAN}
        if coverage.times:
            starts = [label.partition("/")[0] for label in coverage.times]
            temporal["grid"] = {"cellsCount": len(starts)} | ({"coordinates": starts} if details else {})
        extent["temporal"] = temporal
    return extent


def _cells(edge: float, size: float, count: int) -> Json:
    """Pixels along an axis, from the one at its lower edge on; coordinates are those of their centres."""
    return {"cellsCount": count, "firstCoordinate": edge + size / 2, "resolution": size}


def _around(boxes: Sequence[Bounds]) -> Bounds:
    """One box for all; its west is beyond its east where they meet at 180 degrees (RFC 7946 clause 5.2)."""
    south, north = min(box[1] for box in boxes), max(box[3] for box in boxes)
    if len(boxes) == 2 and boxes[0][2] == 180.0 and boxes[1][0] == -180.0:
        return boxes[0][0], south, boxes[1][2], north
    return min(box[0] for box in boxes), south, max(box[2] for box in boxes), north


def schema(layer: Layer, addresses: Addresses) -> Json:
    """The fields of a coverage as a JSON schema.  Source: ogcapi-coverages-1, /req/core/coverage-fields-schema."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{addresses.collection(layer)}/schema",
        "title": layer.title or layer.id,
        "type": "object",
        "properties": {band.name: _field(band, place) for place, band in enumerate(layer.description.bands, 1)},
    }


def _field(band: Band, place: int) -> Json:
    kind = "integer" if np.dtype(band.dtype).kind in "iu" else "number"
    unit = {"x-ogc-unit": band.unit} if band.unit else {}
    return {"title": band.name, "type": kind, "x-ogc-propertySeq": place, **unit}


def range_type(bands: Sequence[Band]) -> Json:
    """The fields of a coverage as CIS writes them."""
    return {"type": "DataRecord", "field": [_quantity(band) for band in bands]}


_OGC_TYPES: Mapping[str, str] = {
    "uint8": "unsignedByte", "int8": "signedByte", "uint16": "unsignedShort", "int16": "signedShort",
    "uint32": "unsignedInt", "int32": "signedInt", "float32": "float32", "float64": "float64",
}  # fmt: skip
"""As http://www.opengis.net/def/dataType/OGC/0 calls them."""


def _quantity(band: Band) -> Json:
    definition = f"ogcType:{_OGC_TYPES.get(band.dtype, 'float64')}"
    unit = {"uom": {"type": "UnitReference", "code": band.unit}} if band.unit else {}
    return {"type": "Quantity", "name": band.name, "definition": definition, **unit}


def domain_set(native: Grid, crs: Crs) -> Json:
    """The pixels of a coverage in a CRS, east before north, as CIS writes them.

    Raises:
        CoordinateError, InvalidSubset: the coverage cannot be expressed in that CRS.
    """
    grid = native if crs.name == native.crs else projected_grid(crs.name, coverage_bounds(native, crs.name), native)
    west, south, east, north = grid.bounds
    east_label, north_label = axis_labels(crs)
    return {
        "type": "DomainSet",
        "generalGrid": {
            "type": "GeneralGridCoverage",
            "srsName": crs.uri,
            "axisLabels": [east_label, north_label],
            "axis": [
                _axis(east_label, west, east, grid.lattice.dx),
                _axis(north_label, south, north, grid.lattice.dy),
            ],
            "gridLimits": {
                "type": "GridLimits",
                "axisLabels": ["i", "j"],
                "axis": [_index("i", grid.width), _index("j", grid.height)],
            },
        },
    }


def _axis(label: str, low: float, high: float, resolution: float) -> Json:
    bounds = {"lowerBound": low, "upperBound": high, "resolution": resolution}
    return {"type": "RegularAxis", "axisLabel": label, **bounds}


def _index(label: str, count: int) -> Json:
    return {"type": "IndexAxis", "axisLabel": label, "lowerBound": 0, "upperBound": count - 1}


def styles(layer: Layer, addresses: Addresses) -> Json:
    """The styles of a collection's maps.  Source: OGC 20-009 draft (Styles), clause 7."""
    listed = []
    for style in styles_of(layer):
        title = style.title or style.name
        listed.append(
            {
                "id": style.name,
                "title": title,
                **({"description": style.abstract} if style.abstract else {}),
                "links": list(map_links(addresses.styled(layer, style.name), title)),
            }
        )
    return {
        "default": listed[0]["id"],
        "styles": listed,
        "links": document_links(f"{addresses.collection(layer)}/styles", "Styles"),
    }
