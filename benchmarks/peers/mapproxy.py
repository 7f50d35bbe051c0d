"""MapProxy in front of this server's tiles: one tile from its file cache."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from benchmarks.peers.process import Peer, environment
from benchmarks.server import Server, free_port


class MapProxy:
    """One gunicorn worker with 8 threads, as its documentation advises for production.

    Args:
        layer: path of the server's tiles, with {z}, {x} and {y}.
    """

    name = "MapProxy"

    def __init__(self, cache: Path, server: Server, layer: str) -> None:
        programs = environment(cache, "mapproxy", ["MapProxy", "gunicorn"])
        self.folder = Path(tempfile.mkdtemp(prefix="ogcserver-mapproxy-"))
        address = f"http://127.0.0.1:{server.port}{layer.format(z='%(z)s', x='%(x)s', y='%(y)s')}"
        (self.folder / "mapproxy.yaml").write_text(_CONFIG.format(address=address), encoding="utf-8")
        (self.folder / "service.py").write_text(
            "from mapproxy.wsgiapp import make_wsgi_app\napplication = make_wsgi_app('mapproxy.yaml')\n",
            encoding="utf-8",
        )
        port = free_port()
        command = [str(programs / "gunicorn"), "-k", "gthread", "--threads", "8", "-w", "1"]
        self.peer = Peer([*command, "-b", f"127.0.0.1:{port}", "service:application"], port, self.folder)

    def address(self, zoom: int, col: int, row: int) -> str:
        return f"/wmts/tiles/web/{zoom}/{col}/{row}.png"

    def stop(self) -> None:
        self.peer.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


_CONFIG = """
services:
  wmts:
    restful: true
    restful_template: '/{{Layer}}/{{TileMatrixSet}}/{{TileMatrix}}/{{TileCol}}/{{TileRow}}.{{Format}}'
layers:
  - {{name: tiles, title: tiles, sources: [cache]}}
caches:
  cache: {{grids: [web], sources: [source], meta_size: [1, 1], meta_buffer: 0, format: image/png}}
sources:
  source: {{type: tile, url: '{address}', grid: web, transparent: true}}
grids:
  web: {{base: GLOBAL_WEBMERCATOR, origin: nw, tile_size: [256, 256]}}
globals:
  cache: {{base_dir: cache}}
"""
