"""The list of all processes."""

from __future__ import annotations

from collections.abc import Mapping

from ogcserver.graph.model import Process
from ogcserver.processes.arithmetic import band_arithmetic, ndvi
from ogcserver.processes.filters import filter_bands, filter_bbox, filter_daterange
from ogcserver.processes.reducers import time_reducers, union
from ogcserver.processes.zonal import zonal_statistics


def processes() -> Mapping[str, Process]:
    """Every process that a graph may use, by its identifier."""
    found = (
        filter_bbox(), filter_daterange(), filter_bands(), ndvi(), band_arithmetic(), *time_reducers(), union(),
        zonal_statistics(),
    )  # fmt: skip
    return {process.id: process for process in found}
