"""The conformance classes that hold here; docs/services.md says what is missing of others.

Source: OGC 19-072 (Common part 1), OGC 20-024 draft (part 2), OGC 20-057 (Tiles), OGC 17-083r4 (Tile Matrix Set),
OGC 20-058 (Maps). Coverages are still a draft, whose URIs may change (ADR 0024).
"""

from __future__ import annotations

_CLASSES: dict[str, tuple[str, ...]] = {
    "http://www.opengis.net/spec/ogcapi-common-1/1.0": ("core", "landing-page", "json", "html", "oas30"),
    "http://www.opengis.net/spec/ogcapi-common-2/1.0": ("collections",),
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0": (
        "core", "tileset", "tilesets-list", "geodata-tilesets", "png", "jpeg", "datetime", "oas30",
    ),
    "http://www.opengis.net/spec/tms/2.0": (
        "tilematrixset", "json-tilematrixset", "tilesetmetadata", "json-tilesetmetadata",
    ),
    "https://www.opengis.net/spec/ogcapi-maps-1/1.0": (
        "core", "collection-map", "styled-map", "spatial-subsetting", "scaling", "crs", "datetime", "png", "jpeg",
    ),
    "https://www.opengis.net/spec/ogcapi-coverages-1/1.0": ("core", "field-selection", "crs", "geotiff"),
}  # fmt: skip
"""With http or https as each document spells it."""

CONFORMS_TO = tuple(f"{part}/conf/{name}" for part, names in _CLASSES.items() for name in names)
