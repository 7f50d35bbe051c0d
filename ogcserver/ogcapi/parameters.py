"""The parameters of operations, as the API definition describes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ogcserver.ogcapi.maps import MAX_EDGE
from ogcserver.ogcapi.negotiate import Offer

LARGEST_PAGE = 1000
DEFAULT_PAGE = 10
_NATURAL: Mapping[str, Any] = {"type": "integer", "minimum": 1}


@dataclass(frozen=True)
class Parameter:
    """A parameter of an operation."""

    name: str
    description: str
    schema: Mapping[str, Any]
    place: Literal["query", "path"] = "query"
    comma_separated: bool = False
    """Whether an array is one text with commas; else it is repeated."""

    def described(self) -> dict[str, Any]:
        """As a Parameter Object of OpenAPI 3.0."""
        array = {"style": "form", "explode": not self.comma_separated} if self.schema.get("type") == "array" else {}
        needed = {"required": self.place == "path"}
        described = {"name": self.name, "in": self.place, "description": self.description}
        return {**described, **needed, **array, "schema": dict(self.schema)}


def _text(name: str, description: str, **more: Any) -> Parameter:
    return Parameter(name, description, {"type": "string", **more})


def _number(name: str, description: str, **schema: Any) -> Parameter:
    return Parameter(name, description, schema)


def _path(name: str, description: str, **schema: Any) -> Parameter:
    return Parameter(name, description, schema or {"type": "string"}, "path")


def f(offers: Sequence[Offer]) -> Parameter:
    """The parameter that chooses one of these representations."""
    keys = list(dict.fromkeys(offer.key for offer in offers))
    return _text("f", "The representation; counts before the header Accept.", enum=keys)


LIMIT = Parameter(
    "limit",
    "The most collections in the answer; a larger number counts as the largest.",
    {**_NATURAL, "maximum": LARGEST_PAGE, "default": DEFAULT_PAGE},
)
OFFSET = Parameter("offset", "So many collections are passed over.", {"type": "integer", "minimum": 0, "default": 0})

COLLECTION = _path("collectionId", "Identifier of a collection: of an on-demand job.")
STYLE = _path("styleId", "Identifier of a style.")
MATRIX_SET = _path("tileMatrixSetId", "Identifier of a tile matrix set.")
MATRIX = _path("tileMatrix", "Identifier of a tile matrix.")
ROW = _path("tileRow", "Row of the tile, counted from the top.", type="integer", minimum=0)
COL = _path("tileCol", "Column of the tile, counted from the left.", type="integer", minimum=0)

DATETIME = _text("datetime", "A time or start/end; '..' leaves a side open. Parts may be left out at the end.")
SUBSET = Parameter(
    "subset",
    'Lat(46.6:47),Lon(11:12) in longitude and latitude, E(...),N(...) with subset-crs, time("2017-01-05").',
    {"type": "array", "items": {"type": "string"}},
)
BBOX = Parameter(
    "bbox",
    "A box: lower and upper corner in the axis order of bbox-crs. Of six numbers those of heights do not count.",
    {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 6},
    comma_separated=True,
)
_A_CRS = "URI or CURIE such as [EPSG:32632]"
BBOX_CRS = _text("bbox-crs", f"CRS of bbox: {_A_CRS}. Default: CRS84.")
SUBSET_CRS = _text("subset-crs", f"CRS of subset: {_A_CRS}. Default: CRS84.")
CRS = _text("crs", f"CRS of the answer: {_A_CRS}. Default: the storage CRS of the collection.")
PLACE = (BBOX, BBOX_CRS, SUBSET, SUBSET_CRS, DATETIME, CRS)

_EDGE = {**_NATURAL, "maximum": MAX_EDGE}
MAP_SIZE = (
    Parameter("width", "Columns of the map.", _EDGE),
    Parameter("height", "Rows of the map.", _EDGE),
)
MAP_SCALE = (
    Parameter(
        "center", "Middle of the map, in the axis order of center-crs; not together with a box.",
        {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 3}, comma_separated=True,
    ),
    _text("center-crs", f"CRS of center: {_A_CRS}. Default: CRS84."),
    _number("scale-denominator", "Metres on the ground for one on the map, whose pixels are 0.28 mm.", type="number"),
)  # fmt: skip
BACKGROUND = (
    _text("bgcolor", "Colour where there are no data: 0xFF8000, or a name of CSS."),
    Parameter("transparent", "Whether there is no colour where there are no data.", {"type": "boolean"}),
)

PROPERTIES = Parameter(
    "properties", "Names of the fields, in the order of the answer.", {"type": "array", "items": {"type": "string"}},
    comma_separated=True,
)  # fmt: skip
EXCLUDED = Parameter(
    "exclude-properties", "Names of fields that are left out.", {"type": "array", "items": {"type": "string"}},
    comma_separated=True,
)  # fmt: skip
SCALING = (
    _number("scale-factor", "The number of pixels along each axis is divided by it.", type="number"),
    _text("scale-axes", "Lat(2),Lon(2): the same for each axis."),
    _text("scale-size", "Lat(100),Lon(200): rows and columns of the answer."),
    _text("scaleSize", "scale-size as GDAL spells it."),
    Parameter("width", "Columns of the answer.", _NATURAL),
    Parameter("height", "Rows of the answer.", _NATURAL),
)
