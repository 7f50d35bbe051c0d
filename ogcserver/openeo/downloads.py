"""Where results can be had: links as JSON or Metalink, files with ranges and validators, and a STAC item for each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from ogcserver.batch.model import Result
from ogcserver.batch.products import Product
from ogcserver.engine.exports import Body, StoredFile
from ogcserver.geo.grid import Bounds
from ogcserver.jobs.model import Job
from ogcserver.openeo.responses import Json, preferred

METALINK = "application/metalink4+xml"
_METALINK_NAMESPACE = "urn:ietf:params:xml:ns:metalink"
_SHA2_256 = "1220"
"""How a multihash of 32 bytes begins."""


@dataclass(frozen=True)
class Download:
    """A file that a client may fetch."""

    url: str
    size: int
    """Bytes."""
    sha256: str
    """Hexadecimal digits."""

    @classmethod
    def of(cls, url: str, content: Body) -> Download:
        """Blocks."""
        digest = content.sha256() if isinstance(content, StoredFile) else hashlib.sha256(content).hexdigest()
        return cls(url, len(content), digest)


def wants_metalink(request: Request) -> bool:
    return preferred(request.headers.get("accept", ""), ("application/json", METALINK)) == METALINK


def links_response(links: Sequence[str]) -> Response:
    """The links as a JSON array."""
    return Json(list(links), headers={"vary": "Accept"})


def metalink_response(downloads: Sequence[Download]) -> Response:
    """Source: RFC 5854, clauses 4.1.2 (file), 4.2.7 (hash), 4.2.14 (size), 4.2.16 (url)."""
    root = etree.Element("metalink", xmlns=_METALINK_NAMESPACE)
    for one in downloads:
        file = etree.SubElement(root, "file", name=one.url.rpartition("/")[2])
        etree.SubElement(file, "size").text = str(one.size)
        etree.SubElement(file, "hash", type="sha-256").text = one.sha256
        etree.SubElement(file, "url").text = one.url
    body = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return Response(body, media_type=METALINK, headers={"vary": "Accept"})


def file_response(request: Request, path: Path, result: Result, name: str) -> Response:
    """A stored file, or a part of it, or 304 where the client has it.

    Args:
        name: for the client's disk.
    """
    etag = f'"{result.sha256[:32]}"'
    if is_known(request, etag):
        return Response(status_code=304, headers={"etag": etag})
    return FileResponse(path, media_type=result.media_type, filename=name, headers={"etag": etag})


def is_known(request: Request, etag: str) -> bool:
    """Whether the client says that it has the entity.  Source: RFC 9110 clause 13.1.2."""
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    return etag in known or known == ["*"]


def stac_item(job: Job, result: Result, product: Product, folder: str) -> bytes:
    """The STAC item of a result.

    Args:
        folder: address of the folder of the result and of the item, without a slash at the end.
    Source: STAC 1.1.0, Item; extensions projection 2.0.0 and file 2.1.0.
    """
    start, end = product.interval
    times = {"start_datetime": start, "end_datetime": end} if start != end else {}
    texts = {"title": job.title, "description": job.description}
    item: dict[str, Any] = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [
            "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
            "https://stac-extensions.github.io/file/v2.1.0/schema.json",
        ],
        "id": job.id,
        "geometry": _geometry(product.boxes),
        "bbox": _bbox(product.boxes),
        "properties": {
            "datetime": None if times else start,
            **times,
            "created": result.finished,
            **{name: text for name, text in texts.items() if text},
            **product.properties,
        },
        "links": [{"rel": "self", "href": f"{folder}/item.json", "type": "application/geo+json"}],
        "assets": {
            "result": {
                "href": f"{folder}/{result.name}",
                "type": result.media_type,
                "roles": ["data"],
                "file:size": result.size,
                "file:checksum": _SHA2_256 + result.sha256,
                **product.asset,
            }
        },
    }
    return json.dumps(item, allow_nan=False).encode()


def _geometry(boxes: Sequence[Bounds]) -> dict[str, Any]:
    rings = [[[[w, s], [e, s], [e, n], [w, n], [w, s]]] for w, s, e, n in boxes]
    if len(rings) == 1:
        return {"type": "Polygon", "coordinates": rings[0]}
    return {"type": "MultiPolygon", "coordinates": rings}


def _bbox(boxes: Sequence[Bounds]) -> list[float]:
    """West, south, east, north; west is greater than east where the boxes meet at 180 degrees (RFC 7946, 5.2)."""
    west, east = min(box[0] for box in boxes), max(box[2] for box in boxes)
    if len(boxes) == 2:
        (west, east) = max(box[0] for box in boxes), min(box[2] for box in boxes)
    return [west, min(box[1] for box in boxes), east, max(box[3] for box in boxes)]
