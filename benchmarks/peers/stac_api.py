"""The archive's catalogue as a STAC API, as far as titiler-openeo asks.

``python -m benchmarks.peers.stac_api CATALOG PORT``
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from benchmarks.archive import COLLECTION

_CONFORMS = [f"https://api.stacspec.org/v1.0.0/{part}" for part in ("core", "collections", "item-search")]


class Api:
    """All items, with absolute addresses, in memory."""

    def __init__(self, catalog: Path, url: str) -> None:
        self._url = url
        folder = catalog.parent / COLLECTION
        self._collection = json.loads((folder / "collection.json").read_text(encoding="utf-8"))
        self._collection["links"] = []
        self._items = [_absolute(path) for path in sorted(folder.glob("*/*.json"))]

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/", self.landing),
                Route("/collections", self.collections),
                Route("/collections/{name}", self.collection),
                Route("/search", self.search, methods=["GET", "POST"]),
            ]
        )

    async def landing(self, request: Request) -> Response:
        links = [
            {"rel": "self", "href": self._url, "type": "application/json"},
            {"rel": "root", "href": self._url, "type": "application/json"},
            {"rel": "data", "href": f"{self._url}collections", "type": "application/json"},
            {"rel": "search", "href": f"{self._url}search", "type": "application/geo+json", "method": "GET"},
            {"rel": "search", "href": f"{self._url}search", "type": "application/geo+json", "method": "POST"},
        ]
        return JSONResponse(
            {
                "type": "Catalog", "stac_version": "1.0.0", "id": "bench", "description": "bench",
                "conformsTo": _CONFORMS, "links": links,
            }
        )  # fmt: skip

    async def collections(self, request: Request) -> Response:
        return JSONResponse({"collections": [self._collection], "links": []})

    async def collection(self, request: Request) -> Response:
        return JSONResponse(self._collection)

    async def search(self, request: Request) -> Response:
        """All items of an interval; each covers the whole archive."""
        asked: dict[str, Any] = await request.json() if request.method == "POST" else dict(request.query_params)
        start, _, end = str(asked.get("datetime") or "../..").partition("/")
        found = [
            item
            for item in self._items
            if (start in ("..", "") or item["properties"]["datetime"] >= start)
            and (end in ("..", "") or item["properties"]["datetime"] <= end)
        ]
        return JSONResponse({"type": "FeatureCollection", "features": found, "links": []})


def _absolute(path: Path) -> dict[str, Any]:
    item: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    item["links"] = []
    for asset in item["assets"].values():
        asset["href"] = str(path.parent / asset["href"])
    return item


if __name__ == "__main__":
    port = int(sys.argv[2])
    app = Api(Path(sys.argv[1]), f"http://127.0.0.1:{port}/").app()
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
