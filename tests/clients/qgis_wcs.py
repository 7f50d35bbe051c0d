"""Adds one coverage to a headless QGIS and prints what QGIS makes of it, as JSON. Runs in the Python that QGIS has.

Usage: python3 qgis_wcs.py URI OUTPUT.tif, with a URI such as ``url=http://127.0.0.1:8080/wcs&identifier=j-1``.
"""

import json
import os
import sys

from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsPointXY,
    QgsProject,
    QgsRaster,
    QgsRasterFileWriter,
    QgsRasterLayer,
    QgsRasterPipe,
    QgsRectangle,
)
from qgis.PyQt.QtCore import QSize

COL, ROW, WIDTH, HEIGHT = 7, 5, 20, 10


def facts(layer):
    provider, extent = layer.dataProvider(), layer.extent()
    return {
        "extent": [extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum()],
        "size": [provider.xSize(), provider.ySize()],
        "crs": layer.crs().authid(),
        "bands": layer.bandCount(),
    }


def identified(layer):
    """Centre of a pixel and what QGIS finds there: the first and last ones, and some within; each is asked for anew."""
    provider, extent = layer.dataProvider(), layer.extent()
    width, height = provider.xSize(), provider.ySize()
    found = []
    within = [(COL + 5 * number % (width - COL), ROW + 3 * number % (height - ROW)) for number in range(3)]
    for col, row in ((0, 0), (width - 1, height - 1), *within):
        provider.reloadData()  # forgets the answer around the point before
        x = extent.xMinimum() + (col + 0.5) * extent.width() / width
        y = extent.yMaximum() - (row + 0.5) * extent.height() / height
        values = provider.identify(QgsPointXY(x, y), QgsRaster.IdentifyFormatValue).results()
        found.append([x, y, *(float(v) if isinstance(v, (int, float)) else None for v in (values[1], values[2]))])
    return found


def block(layer):
    """A window of the layer's own pixels: its edges, and the values of both bands row by row."""
    provider, extent = layer.dataProvider(), layer.extent()
    dx, dy = extent.width() / provider.xSize(), extent.height() / provider.ySize()
    west, north = extent.xMinimum() + COL * dx, extent.yMaximum() - ROW * dy
    window = QgsRectangle(west, north - HEIGHT * dy, west + WIDTH * dx, north)
    blocks = [provider.block(band, window, WIDTH, HEIGHT) for band in (1, 2)]
    return {
        "west": west, "north": north, "dx": dx, "dy": dy,
        "values": [[[part.value(r, c) for c in range(WIDTH)] for r in range(HEIGHT)] for part in blocks],
    }  # fmt: skip


def drawn(layer, crs):
    """How many of 100 x 100 pixels of a map in this CRS are not empty."""
    target = QgsCoordinateReferenceSystem(crs)
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(target)
    settings.setExtent(settings.layerExtentToOutputExtent(layer, layer.extent()))
    settings.setOutputSize(QSize(100, 100))
    settings.setBackgroundColor(settings.backgroundColor().fromRgb(0, 0, 0, 0))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    return sum(image.pixelColor(x, y).alpha() > 0 for x in range(100) for y in range(100))


def exported(layer, path):
    """Saves the layer's own pixels; QGIS's error code, 0 for none."""
    pipe = QgsRasterPipe()
    pipe.set(layer.dataProvider().clone())
    provider = layer.dataProvider()
    writer = QgsRasterFileWriter(path)
    transform = QgsProject.instance().transformContext()
    return int(writer.writeRaster(pipe, provider.xSize(), provider.ySize(), layer.extent(), layer.crs(), transform))


def main(uri, path):
    messages = []
    QgsApplication.messageLog().messageReceived.connect(lambda text, tag, level: messages.append(f"{tag}: {text}"))
    layer = QgsRasterLayer(uri, "x", "wcs")
    result = {"valid": layer.isValid(), "messages": messages}
    if layer.isValid():
        result |= facts(layer)
        result["identified"] = identified(layer)
        result["block"] = block(layer)
        result["drawn"] = {crs: drawn(layer, crs) for crs in (layer.crs().authid(), "EPSG:3857")}
        result["exported"] = exported(layer, path)
    print(json.dumps(result))


if __name__ == "__main__":
    application = QgsApplication([], False)
    application.initQgis()
    main(*sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # tearing QGIS down may crash, and nothing is left to do
