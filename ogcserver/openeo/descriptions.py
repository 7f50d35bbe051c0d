"""Collections and processes as the job API describes them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import shapely

from ogcserver.errors import InvalidParameter
from ogcserver.geo.grid import Bounds
from ogcserver.graph.model import Process
from ogcserver.sources.base import BandInfo, CollectionInfo
from ogcserver.timeline import Interval, start_of, whole_days


@dataclass(frozen=True)
class CollectionQuery:
    """What GET /data is asked for; empty fields ask for nothing."""

    name: str = ""
    """A part of the identifier or title, in any case."""
    area: shapely.Geometry | None = None
    """In degrees of longitude and latitude."""
    interval: Interval = field(default_factory=Interval)

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> CollectionQuery:
        """
        Raises:
            InvalidParameter: not WKT, or not a date.
        """
        start, end = parameters.get("qstartdate", ""), parameters.get("qenddate", "")
        wkt = parameters.get("qgeom", "")
        return cls(parameters.get("qname", ""), _area(wkt) if wkt else None, _interval(start, end))

    def selects(self, info: CollectionInfo) -> bool:
        if self.name.lower() not in f"{info.id}\n{info.title}".lower():
            return False
        if self.area is not None and not any(self.area.intersects(shapely.box(*box)) for box in info.boxes):
            return False
        return _overlap(self.interval, info.interval)


def _area(text: str) -> shapely.Geometry:
    try:
        area = shapely.from_wkt(text)
    except (shapely.errors.ShapelyError, ValueError) as error:
        raise InvalidParameter(
            "qgeom is not WKT such as POLYGON((16 47, 17 47, 17 48, 16 47))", locator="qgeom"
        ) from error
    if area is None or area.is_empty or not all(map(math.isfinite, area.bounds)) or not area.is_valid:
        raise InvalidParameter("qgeom must be a valid, finite and not empty geometry", locator="qgeom")
    return area


def _interval(start: str, end: str) -> Interval:
    for name, text in (("qstartdate", start), ("qenddate", end)):
        try:
            whole_days(text, "")
        except InvalidParameter as error:
            raise InvalidParameter(error.message, locator=name) from error
    return whole_days(start, end)


def _overlap(asked: Interval, known: tuple[str, str]) -> bool:
    first, last = known
    if asked.start and last and start_of(last) < start_of(asked.start):
        return False
    return not (asked.end and first and start_of(first) >= start_of(asked.end))


def collection_summary(info: CollectionInfo) -> dict[str, Any]:
    """An element of GET /data."""
    return {"product_id": info.id, "description": info.description or info.title, "source": ", ".join(info.providers)}


def collection_description(info: CollectionInfo) -> dict[str, Any]:
    """The body of GET /data/{product_id}."""
    times = {name: text for name, text in zip(("from", "to"), info.interval, strict=True) if text}
    more = {"title": info.title, "license": info.licence, "keywords": list(info.keywords), "time": times}
    return {
        **collection_summary(info),
        **{name: value for name, value in more.items() if value},
        "extent": _extent(info.boxes),
        "bands": [_band(band) for band in info.bands],
    }


def _extent(boxes: Sequence[Bounds]) -> dict[str, Any]:
    """All boxes in one. Where they meet at 180 degrees, ``right`` lies beyond it."""
    west = [box for box in boxes if box[0] <= -180.0 and box[2] < 180.0]
    east = [box for box in boxes if box[2] >= 180.0 and box[0] > -180.0]
    if west and east:
        boxes = [box if box not in west else (box[0] + 360, box[1], box[2] + 360, box[3]) for box in boxes]
    return {
        "srs": "EPSG:4326",
        "left": min(box[0] for box in boxes),
        "right": max(box[2] for box in boxes),
        "bottom": min(box[1] for box in boxes),
        "top": max(box[3] for box in boxes),
    }


def _band(info: BandInfo) -> dict[str, Any]:
    found: dict[str, Any] = {"band_id": info.band.name}
    optional = {
        "name": info.common_name,
        "description": info.description,
        "wavelength_nm": info.wavelength_nm,
        "res_m": info.resolution_m,
        "unit": info.band.unit,
    }
    found |= {name: value for name, value in optional.items() if value not in ("", None)}
    nodata = info.nodata if info.nodata is not None else info.band.nodata
    found |= {"scale": info.scale, "offset": info.offset, "type": info.stored_dtype or info.band.dtype}
    if nodata is not None and math.isfinite(nodata):
        found["nodata"] = [nodata]
    return found


def process_summaries(processes: Iterable[Process], name: str) -> list[dict[str, Any]]:
    """The body of GET /processes: processes whose identifier holds ``name``, in any case."""
    wanted = name.lower()
    return [
        {"process_id": process.id, "description": process.description}
        for process in processes
        if wanted in process.id.lower()
    ]


def process_description(process: Process) -> dict[str, Any]:
    """The body of GET /processes/{process_id}."""
    arguments = {
        argument.name: {"description": argument.description, "required": argument.required}
        for argument in process.arguments
    }
    return {"process_id": process.id, "description": process.description, "args": arguments}
