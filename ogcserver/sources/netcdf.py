"""Variables of netCDF files, read through xarray, which unpacks and masks them.  Source: CF conventions 1.8."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray
from cachetools import LRUCache

from ogcserver.errors import CrsError, InvalidParameter
from ogcserver.geo.crs import WGS84, canonical
from ogcserver.geo.grid import Lattice
from ogcserver.sources.base import CubeBand, Extent, Place
from ogcserver.sources.raster import Header, Identity, Raw, Stored, Window, identity, unreadable

_FileKey = tuple[str, Identity]

_X_NAMES = frozenset({"x", "lon", "longitude", "easting", "projection_x_coordinate"})
_Y_NAMES = frozenset({"y", "lat", "latitude", "northing", "projection_y_coordinate"})
_TIME_NAMES = frozenset({"time", "t"})
_REGULAR = 1e-3
"""Coordinates may differ from regular steps by this part of a step."""


@dataclass(frozen=True, eq=False)
class _Variable:
    """An opened variable with named axes, its grid, and which of its axes run against ours."""

    values: xarray.DataArray
    x: str
    y: str
    time: str | None
    header: Header
    west_first: bool
    north_first: bool


class NetcdfReader:
    """Reads :class:`CubeBand`. The netCDF libraries are not thread-safe, so one thread reads at a time."""

    def __init__(self, max_files: int = 64) -> None:
        self._datasets: LRUCache[_FileKey, xarray.Dataset] = LRUCache(max_files)
        self._variables: LRUCache[tuple[object, ...], _Variable] = LRUCache(4096)
        self._lock = threading.RLock()

    def header(self, place: Place) -> Header:
        return self._variable(place).header

    def level(self, place: Place, level: int) -> Extent:
        return self._variable(place).header.extent

    def read(self, place: Place, level: int, window: Window) -> Raw:
        variable, band = self._variable(place), _cube_band(place)
        extent = variable.header.extent
        columns = _span(window.col, window.width, extent.width, variable.west_first)
        rows = _span(window.row, window.height, extent.height, variable.north_first)
        chosen: dict[str, Any] = {variable.x: columns, variable.y: rows}
        if variable.time is not None:
            chosen[variable.time] = band.step or 0
        for name in variable.values.dims:
            chosen.setdefault(str(name), 0)  # a further axis, such as depth: its first position
        try:
            with self._lock:
                values = variable.values.isel(chosen).transpose(variable.y, variable.x).to_numpy()
        except (OSError, RuntimeError, ValueError, IndexError, KeyError) as error:
            raise unreadable(band.href, f"cannot be read: {error}") from error
        values = values[:: 1 if variable.north_first else -1, :: 1 if variable.west_first else -1]
        return Raw.of(values)

    def _variable(self, place: Place) -> _Variable:
        band = _cube_band(place)
        try:
            file = (band.href, identity(band.href))
        except OSError as error:
            raise unreadable(band.href, f"cannot be opened: {error.strerror}") from error
        key = (*file, band.variable, band.crs)
        with self._lock:
            if key not in self._variables:
                self._variables[key] = _describe(self._dataset(file), band)
            return self._variables[key]

    def _dataset(self, file: _FileKey) -> xarray.Dataset:
        if file not in self._datasets:
            href = file[0]
            try:
                self._datasets[file] = xarray.open_dataset(href, decode_timedelta=False)
            except (OSError, RuntimeError, ValueError) as error:
                raise unreadable(href, f"cannot be read: {error}") from error
        return self._datasets[file]


def _cube_band(place: Place) -> CubeBand:
    if not isinstance(place, CubeBand):
        raise TypeError(f"netCDF variables are read here, not {type(place).__name__}")
    return place


def _span(start: int, length: int, size: int, forward: bool) -> slice:
    return slice(start, start + length) if forward else slice(size - start - length, size - start)


def _describe(dataset: xarray.Dataset, band: CubeBand) -> _Variable:
    if band.variable not in dataset.data_vars:
        raise unreadable(band.href, f"has no variable {band.variable}")
    values = dataset[band.variable]
    x, y = _axis(values, "X", _X_NAMES, band), _axis(values, "Y", _Y_NAMES, band)
    time = next((str(name) for name in values.dims if str(name).lower() in _TIME_NAMES), None)
    if band.step is not None and (time is None or not 0 <= band.step < values.sizes[time]):
        raise unreadable(band.href, f"has no time step {band.step}")
    x0, dx, width = _steps(values[x].to_numpy(), band)
    y0, dy, height = _steps(values[y].to_numpy(), band)
    west, north = min(x0, x0 + dx * width), max(y0, y0 + dy * height)
    try:
        lattice = Lattice(canonical(_crs(dataset, values) or band.crs or WGS84), west, north, abs(dx), abs(dy))
    except (CrsError, InvalidParameter) as error:
        raise unreadable(band.href, f"cannot be placed: {error.message}") from error
    header = Header(Extent(lattice, width, height), values.dtype.name, None)
    return _Variable(values, x, y, time, header, dx > 0, dy < 0)


def _axis(values: xarray.DataArray, letter: str, names: frozenset[str], band: CubeBand) -> str:
    for name in values.dims:
        attributes = values[name].attrs if name in values.coords else {}
        if attributes.get("axis") == letter or str(attributes.get("standard_name", name)).lower() in names:
            return str(name)
        if str(name).lower() in names:
            return str(name)
    raise unreadable(band.href, f"has no {letter.lower()} axis for {band.variable}")


def _steps(centres: Stored, band: CubeBand) -> tuple[float, float, int]:
    """Outer edge of the first cell, step, and number of cells of a regular axis."""
    points = np.asarray(centres, np.float64)
    if points.size < 2:
        raise unreadable(band.href, "has an axis of a single cell")
    step = (points[-1] - points[0]) / (points.size - 1)
    regular = points[0] + step * np.arange(points.size)
    if step == 0 or not np.all(np.abs(points - regular) <= abs(step) * max(_REGULAR, 1e-6 * points.size)):
        raise unreadable(band.href, "is not on a regular grid")
    return float(points[0] - step / 2), float(step), int(points.size)


def _crs(dataset: xarray.Dataset, values: xarray.DataArray) -> str | None:
    mapping = values.attrs.get("grid_mapping") or values.encoding.get("grid_mapping")
    if mapping in dataset.variables:
        attributes = dataset[mapping].attrs
        text = attributes.get("crs_wkt") or attributes.get("spatial_ref")
        return str(text) if text else None
    return None
