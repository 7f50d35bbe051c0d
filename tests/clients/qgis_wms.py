"""Adds one WMS layer to a headless QGIS and prints what QGIS makes of it, as JSON. Runs in the Python that QGIS has.

Usage: python3 qgis_wms.py URI PICTURE.png X Y [TIME ...]: draws the layer's extent (at each of the times, to
PICTURE-0.png and so on, else to PICTURE.png), and identifies what is at X, Y in the layer's system.
"""

import json
import os
import sys

from qgis.core import (
    QgsApplication,
    QgsDateTimeRange,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsPointXY,
    QgsRaster,
    QgsRasterLayer,
    QgsRectangle,
)
from qgis.PyQt.QtCore import QDateTime, QSize, Qt

WIDTH, HEIGHT = 350, 300


def drawn(layer, path, when):
    """Saves a picture of the layer's extent; the errors of the renderer."""
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(layer.crs())
    settings.setExtent(layer.extent())
    settings.setOutputSize(QSize(WIDTH, HEIGHT))
    settings.setBackgroundColor(settings.backgroundColor().fromRgb(0, 0, 0, 0))
    if when:
        begin = QDateTime.fromString(when, Qt.ISODate)
        settings.setTemporalRange(QgsDateTimeRange(begin, begin.addDays(1), True, False))
        settings.setIsTemporal(True)
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    job.renderedImage().save(path)
    return [error.message for error in job.errors()]


def identified(layer, x, y, when):
    """What QGIS finds at a place: the attributes of each feature, or the text of the answer."""
    provider = layer.dataProvider()
    extent, across, down = layer.extent(), WIDTH, HEIGHT
    found = {}
    for name, kind in (("feature", QgsRaster.IdentifyFormatFeature), ("text", QgsRaster.IdentifyFormatText)):
        result = provider.identify(QgsPointXY(x, y), kind, QgsRectangle(extent), across, down)
        if not result.isValid():
            found[name] = result.error().message()
            continue
        found[name] = []
        for stores in result.results().values():
            if isinstance(stores, str):
                found[name].append(stores)
                continue
            for store in stores:
                for feature in store.features():
                    names = [field.name() for field in feature.fields()]
                    found[name].append(dict(zip(names, map(str, feature.attributes()), strict=True)))
    return found


def main(uri, path, x, y, *times):
    layer = QgsRasterLayer(uri, "x", "wms")
    result = {"valid": layer.isValid(), "error": layer.error().message()}
    if layer.isValid():
        extent = layer.extent()
        result["extent"] = [extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum()]
        result["temporal"] = layer.temporalProperties().isActive()
        result["errors"] = []
        for number, when in enumerate(times or [""]):
            file = path.replace(".png", f"-{number}.png") if times else path
            result["errors"] += drawn(layer, file, when)
        result["identified"] = identified(layer, float(x), float(y), times[-1] if times else "")
    print(json.dumps(result))


if __name__ == "__main__":
    application = QgsApplication([], False)
    application.initQgis()
    main(*sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # tearing QGIS down may crash, and nothing is left to do
