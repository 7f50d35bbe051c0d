"""The landing page.  Source: OGC 19-072 clause 7.2."""

from __future__ import annotations

from ogcserver.ogcapi.links import (
    CONFORMANCE,
    DATA,
    OPENAPI,
    TILING_SCHEMES,
    Addresses,
    Json,
    document_links,
    link,
)
from ogcserver.ogcapi.negotiate import HTML
from ogcserver.ows.identification import Identification


def landing(who: Identification, addresses: Addresses) -> Json:
    """Links to everything. Conformance and data are there by their older names, too, which GDAL and others look for."""
    base = addresses.base
    return {
        "title": who.title,
        "description": who.abstract,
        "links": [
            *document_links(base, who.title),
            link("service-desc", f"{base}/api?f=json", OPENAPI, "API definition"),
            link("service-doc", f"{base}/api?f=html", HTML, "API definition as a page"),
            link("conformance", f"{base}/conformance", title="Conformance classes"),
            link(CONFORMANCE, f"{base}/conformance", title="Conformance classes"),
            link("data", addresses.collections(), title="Collections"),
            link(DATA, addresses.collections(), title="Collections"),
            link(TILING_SCHEMES, f"{base}/tileMatrixSets", title="Tile matrix sets"),
        ],
    }
