"""MapServer as FastCGI behind lighttpd: virtual rasters with pixel functions over the same files.

Needs Debian's ``cgi-mapserver lighttpd gdal-bin python3-numpy libpython3.11``: NDVI over dates is a pixel function in
Python, for GDAL before 3.8 has none that takes a minimum.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rio_tiler.colormap import cmap

from benchmarks.archive import Archive
from benchmarks.engine import Tile
from benchmarks.peers.process import Peer, PeerError
from benchmarks.server import free_port
from ogcserver.geo.grid import Grid

_FUNCTION = """
import numpy as np
def lowest(in_ar, out_ar, xoff, yoff, xsize, ysize, raster_xsize, raster_ysize, buf_radius, gt, **kwargs):
    result = np.full(in_ar[0].shape, np.nan, np.float32)
    with np.errstate(all="ignore"):
        for red, nir in zip(in_ar[::2], in_ar[1::2]):
            red, nir = red.astype(np.float32), nir.astype(np.float32)
            np.fmin(result, (nir - red) / (nir + red), out=result)
    index = 1 + np.clip((result + 0.2) * 254, 0, 254) + 0.5
    out_ar[:] = np.where(np.isnan(result), 0, index)
"""

_RGB = 'PROCESSING "SCALE=0,2500" PROCESSING "BANDS=1,2,3" OFFSITE 0 0 0'


class MapServer:
    """Layers ``rgb``, and ``ndviN`` for the minimum NDVI of the first N dates.

    It keeps decoded blocks of the files (GDAL's cache), but no results: the same tile again is computed again.
    """

    name = "MapServer"

    def __init__(self, archive: Archive, cache: Path, dates: Sequence[int]) -> None:
        program = next((path for path in ("/usr/lib/cgi-bin/mapserv", "/usr/bin/mapserv") if Path(path).exists()), "")
        if not program or not shutil.which("lighttpd") or not shutil.which("gdalbuildvrt"):
            raise PeerError("apt-get install cgi-mapserver lighttpd gdal-bin python3-numpy libpython3.11")
        self.folder = Path(tempfile.mkdtemp(prefix="ogcserver-mapserver-"))
        layers = [_layer("rgb", _rgb_source(archive, self.folder), _RGB)]
        layers += [_layer(f"ndvi{count}", _ndvi_source(archive, self.folder, count), "") for count in dates]
        _write(self.folder / "bench.map", _MAP.format(layers="\n".join(layers)))
        _write(self.folder / "mapserver.conf", _CONFIG.format(folder=self.folder))
        port = free_port()
        _write(self.folder / "lighttpd.conf", _LIGHTTPD.format(folder=self.folder, port=port, program=program))
        self.peer = Peer(["lighttpd", "-D", "-f", str(self.folder / "lighttpd.conf")], port, self.folder)

    def colour(self, tile: Tile) -> str:
        return self._tile("rgb", tile.grid)

    def ndvi(self, tile: Tile, dates: int) -> str:
        return self._tile(f"ndvi{dates}", tile.grid)

    def get(self, address: str) -> bytes:
        body = self.peer.http.get(address)
        if body[:4] != b"\x89PNG":
            raise PeerError(f"answers {body[:300]!r}")
        return body

    def stop(self) -> None:
        self.peer.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _tile(self, layer: str, grid: Grid) -> str:
        west, south, east, north = grid.bounds
        return (
            f"/mapserv?map=BENCH&SERVICE=WMS&VERSION=1.1.1&REQUEST=GetMap&LAYERS={layer}&STYLES=&SRS=EPSG:3857"
            f"&BBOX={west},{south},{east},{north}&WIDTH={grid.width}&HEIGHT={grid.height}&FORMAT=fast"
        )


def _rgb_source(archive: Archive, folder: Path) -> Path:
    target = folder / "rgb.vrt"
    files = [archive.path(0, band) for band in ("B04", "B03", "B02")]
    subprocess.run(["gdalbuildvrt", "-q", "-separate", str(target), *files], check=True)
    return target


def _ndvi_source(archive: Archive, folder: Path, dates: int) -> Path:
    edge = archive.size.edge
    left, _, _, top = archive.bounds
    sources = "\n".join(
        f'<SimpleSource><SourceFilename relativeToVRT="0">{archive.path(date, band)}</SourceFilename>'
        f'<SourceBand>1</SourceBand><SourceProperties RasterXSize="{edge}" RasterYSize="{edge}" DataType="UInt16" '
        f'BlockXSize="512" BlockYSize="512"/></SimpleSource>'
        for date in range(dates)
        for band in ("B04", "B8A")
    )
    target = folder / f"ndvi{dates}.vrt"
    _write(
        target,
        f'<VRTDataset rasterXSize="{edge}" rasterYSize="{edge}"><SRS>EPSG:32632</SRS>'
        f"<GeoTransform>{left}, 20, 0, {top}, 0, -20</GeoTransform>"
        '<VRTRasterBand dataType="Byte" band="1" subClass="VRTDerivedRasterBand"><NoDataValue>0</NoDataValue>'
        f"<ColorInterp>Palette</ColorInterp><ColorTable>{_colour_table()}</ColorTable>"
        "<PixelFunctionType>lowest</PixelFunctionType><PixelFunctionLanguage>Python</PixelFunctionLanguage>"
        f"<PixelFunctionCode><![CDATA[{_FUNCTION}]]></PixelFunctionCode>"
        f"<SourceTransferType>UInt16</SourceTransferType>{sources}</VRTRasterBand></VRTDataset>",
    )
    return target


def _colour_table() -> str:
    colours = cmap.get("rdylgn")
    entries = [(0, 0, 0, 0), *(colours[number] for number in range(255))]
    return "".join(f'<Entry c1="{r}" c2="{g}" c3="{b}" c4="{a}"/>' for r, g, b, a in entries)  # type: ignore[misc]


def _layer(name: str, source: Path, processing: str) -> str:
    return (
        f'LAYER NAME "{name}" TYPE RASTER STATUS ON DATA "{source}" PROJECTION "init=epsg:32632" END '
        f'PROCESSING "CLOSE_CONNECTION=DEFER" {processing} END'
    )


_MAP = """MAP NAME "bench" SIZE 256 256 MAXSIZE 4096 EXTENT -20037508 -20037508 20037508 20037508
PROJECTION "init=epsg:3857" END
WEB METADATA "wms_enable_request" "*" "wms_srs" "EPSG:3857" "wms_title" "bench" "wms_onlineresource" "http://x/" END END
OUTPUTFORMAT NAME "fast" DRIVER AGG/PNG MIMETYPE "image/png" IMAGEMODE RGBA TRANSPARENT ON
FORMATOPTION "COMPRESSION=1" END
{layers}
END
"""
_CONFIG = """CONFIG
ENV GDAL_VRT_ENABLE_PYTHON "YES" GDAL_DISABLE_READDIR_ON_OPEN "EMPTY_DIR" MS_MAP_PATTERN ".*" END
MAPS BENCH "{folder}/bench.map" END
END
"""
_LIGHTTPD = """server.document-root = "{folder}"
server.bind = "127.0.0.1"
server.port = {port}
server.modules = ("mod_fastcgi")
fastcgi.server = ("/mapserv" => (("socket" => "{folder}/socket", "bin-path" => "{program}", "max-procs" => 1,
  "check-local" => "disable", "bin-environment" => ("MAPSERVER_CONFIG_FILE" => "{folder}/mapserver.conf",
  "GDAL_VRT_ENABLE_PYTHON" => "YES", "PATH" => "/usr/bin:/bin"))))
"""


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
