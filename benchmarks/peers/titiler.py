"""TiTiler: tiles of a STAC item, true colour and NDVI of one date. It has no reduction over dates of its own."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from benchmarks.archive import COLLECTION, Archive
from benchmarks.engine import Tile
from benchmarks.peers.process import Peer, environment
from benchmarks.server import free_port


class TiTiler:
    """One uvicorn process."""

    name = "TiTiler"

    def __init__(self, archive: Archive, cache: Path) -> None:
        programs = environment(cache, "titiler", ["titiler-application", "uvicorn[standard]"])
        port = free_port()
        layout = archive.layout
        item = layout.item_id(layout.dates[0])
        self._item = quote(str(archive.folder / COLLECTION / item / f"{item}.json"))
        settings = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_CACHEMAX": "512", "VSI_CACHE": "TRUE"}
        command = [str(programs / "uvicorn"), "titiler.application.main:app", "--port", str(port)]
        self.peer = Peer(command, port, programs.parent, settings)

    def colour(self, tile: Tile) -> str:
        return self._tile(tile, "assets=B04&assets=B03&assets=B02&rescale=0,2500")

    def ndvi(self, tile: Tile) -> str:
        expression = quote("(b2-b1)/(b2+b1)")
        return self._tile(tile, f"assets=B04&assets=B8A&expression={expression}&rescale=-0.2,0.8&colormap_name=rdylgn")

    def get(self, address: str) -> bytes:
        return self.peer.http.get(address)

    def stop(self) -> None:
        self.peer.stop()

    def _tile(self, tile: Tile, query: str) -> str:
        place = f"{tile.zoom}/{tile.col}/{tile.row}"
        return f"/stac/tiles/WebMercatorQuad/{place}.png?url={self._item}&tilesize=256&{query}"
