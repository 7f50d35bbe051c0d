"""Adds one WMTS layer to a headless QGIS and prints what it shows and identifies, as JSON. Runs in QGIS's own Python.

Usage: python3 qgis_wmts.py URI X Y RESOLUTION, with a URI of the provider "wms" and a point in the layer's CRS; the map
is 64 x 64 pixels from that point right and down.
"""

import json
import os
import sys

from qgis.core import (
    QgsApplication,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsPointXY,
    QgsRaster,
    QgsRasterLayer,
    QgsRectangle,
)
from qgis.PyQt.QtCore import QSize

EDGE = 64


def drawn(layer, x, y, resolution):
    """R, G, B, A of the map's pixels at (10, 20) and (40, 50)."""
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(layer.crs())
    settings.setExtent(QgsRectangle(x, y - EDGE * resolution, x + EDGE * resolution, y))
    settings.setOutputSize(QSize(EDGE, EDGE))
    settings.setBackgroundColor(settings.backgroundColor().fromRgb(0, 0, 0, 0))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    return [list(image.pixelColor(*place).getRgb()) for place in ((10, 20), (40, 50))]


def identified(layer, x, y, resolution):
    """What the provider finds in the pixel (10, 20) of the map, as text."""
    provider = layer.dataProvider()
    extent = QgsRectangle(x, y - EDGE * resolution, x + EDGE * resolution, y)
    point = QgsPointXY(x + 10.5 * resolution, y - 20.5 * resolution)
    found = provider.identify(point, QgsRaster.IdentifyFormatText, extent, EDGE, EDGE)
    return {"valid": found.isValid(), "text": [str(value) for value in found.results().values()]}


def main(uri, x, y, resolution):
    layer = QgsRasterLayer(uri, "x", "wms")
    result = {"valid": layer.isValid()}
    if layer.isValid():
        place = float(x), float(y), float(resolution)
        result |= {"crs": layer.crs().authid(), "drawn": drawn(layer, *place), "identified": identified(layer, *place)}
    print(json.dumps(result))


if __name__ == "__main__":
    application = QgsApplication([], False)
    application.initQgis()
    main(*sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # tearing QGIS down may crash, and nothing is left to do
