"""titiler-openeo: the minimum NDVI as a public XYZ service, over a STAC API of the archive on loopback."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.archive import COLLECTION, Archive
from benchmarks.engine import Tile
from benchmarks.peers.process import Peer, PeerError, environment
from benchmarks.server import ROOT, free_port


class TiTilerOpenEo:
    """One uvicorn process."""

    name = "titiler-openeo"

    def __init__(self, archive: Archive, cache: Path, dates: int) -> None:
        programs = environment(cache, "titiler-openeo", ["titiler-openeo", "uvicorn[standard]"])
        self.folder = Path(tempfile.mkdtemp(prefix="ogcserver-openeo-"))
        catalog = free_port()
        command = [sys.executable, "-m", "benchmarks.peers.stac_api", str(archive.catalog), str(catalog)]
        (self.folder / "stac").mkdir()
        self._catalog = Peer(command, catalog, self.folder / "stac", {}, ROOT)
        store = self.folder / "services.json"
        service = {"process": {"process_graph": _graph(archive, dates)}, "type": "XYZ", "enabled": True}
        service["configuration"] = {"scope": "public", "tile_size": 256}
        store.write_text(json.dumps({"services": {"ndvi": {"user_id": "test", "service": service}}}), encoding="utf-8")
        settings = {
            "TITILER_OPENEO_STAC_API_URL": f"http://127.0.0.1:{catalog}/", "TITILER_OPENEO_STORE_URL": str(store),
            "TITILER_OPENEO_PROCESSING_MAX_ITEMS": "100", "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
        }  # fmt: skip
        port = free_port()
        start = [str(programs / "uvicorn"), "titiler.openeo.main:app", "--port", str(port)]
        try:
            self.peer = Peer(start, port, self.folder, settings)
        except PeerError:
            self._catalog.stop()
            raise

    def ndvi(self, tile: Tile) -> str:
        return f"/services/xyz/ndvi/tiles/{tile.zoom}/{tile.col}/{tile.row}"

    def get(self, address: str) -> bytes:
        body = self.peer.http.get(address)
        if body[:4] != b"\x89PNG":
            raise PeerError(f"answers {body[:300]!r}")
        return body

    def stop(self) -> None:
        self.peer.stop()
        self._catalog.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def _graph(archive: Archive, dates: int) -> dict[str, Any]:
    """load_collection, ndvi, the minimum over time, a linear scale, PNG."""
    extent = {"from_parameter": "bounding_box"}
    interval = [f"{archive.days[0]}T00:00:00Z", f"{archive.days[dates - 1]}T23:59:59Z"]
    least = {"min": {"process_id": "min", "arguments": {"data": {"from_parameter": "data"}}, "result": True}}
    scale = {
        "scale": {
            "process_id": "linear_scale_range",
            "arguments": {
                "x": {"from_parameter": "x"}, "inputMin": -0.2, "inputMax": 0.8, "outputMin": 0, "outputMax": 255,
            },
            "result": True,
        }
    }  # fmt: skip
    return {
        "load": {
            "process_id": "load_collection",
            "arguments": {
                "id": COLLECTION, "spatial_extent": extent, "temporal_extent": interval, "bands": ["B04", "B8A"],
            },
        },
        "index": {
            "process_id": "ndvi", "arguments": {"data": {"from_node": "load"}, "red": 1, "nir": 2},
        },
        "least": {
            "process_id": "reduce_dimension",
            "arguments": {"data": {"from_node": "index"}, "dimension": "t", "reducer": {"process_graph": least}},
        },
        "scaled": {
            "process_id": "apply",
            "arguments": {"data": {"from_node": "least"}, "process": {"process_graph": scale}},
        },
        "saved": {
            "process_id": "save_result",
            "arguments": {"data": {"from_node": "scaled"}, "format": "PNG"},
            "result": True,
        },
    }  # fmt: skip
