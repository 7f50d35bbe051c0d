"""netCDF-4 files by the CF conventions.

Source: CF Conventions 1.8, clauses 4 (coordinates), 5.6 (grid mappings), 7.1 (cell boundaries) and appendix F; the
attributes ``spatial_ref`` and ``GeoTransform`` as GDAL's netCDF driver documents them.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr

from ogcserver.cube import Band, Block
from ogcserver.encode.values import stored
from ogcserver.errors import InvalidParameter, NoTimeInRange
from ogcserver.geo.crs import crs_object, is_geographic
from ogcserver.geo.grid import Grid
from ogcserver.timeline import span

_MAPPING = "crs"
_TIME_UNITS = "seconds since 1970-01-01T00:00:00Z"
_RESERVED = ("x", "y", "lat", "lon", "time", "time_bnds", "nv", _MAPPING)


def encode_netcdf(block: Block, level: int = 1) -> bytes:
    """The block as a netCDF-4 file: a variable for each band, over (time,) y and x (lat and lon where geographic).

    Coordinates are those of pixel centres, y from north to south. Every variable has its band's logical dtype, and
    ``_FillValue``; integers without nodata of which some are missing become floats. Times are instants; an interval
    ``start/end`` or a day is its start, with ``time_bnds``. Labels that are no times become a text coordinate.

    Args:
        level: of DEFLATE, 0 (none) to 9.
    Raises:
        NoTimeInRange: the block has a time axis without elements.
    """
    if not block.data.shape[0]:
        raise NoTimeInRange("there is no observation to write")
    dataset, dims, encoding = frame(block.grid, block.times)
    for index, name in enumerate(variable_names(block.bands)):
        values, attributes, encoding[name] = _variable(block, index, level)
        dataset[name] = (dims, values if block.times else values[0], attributes)
    return bytes(dataset.to_netcdf(engine="h5netcdf", format="NETCDF4", encoding=encoding))


def frame(grid: Grid, times: tuple[str, ...]) -> tuple[xr.Dataset, tuple[str, ...], dict[str, dict[str, Any]]]:
    """A dataset with coordinates and no bands, the dimensions of the bands, and the encoding of what is there."""
    rows, columns = ("lat", "lon") if is_geographic(grid.crs) else ("y", "x")
    variables: dict[str, Any] = {_MAPPING: ((), np.int32(0), _grid_mapping(grid))}
    encoding: dict[str, dict[str, Any]] = {_MAPPING: {"dtype": "int32"}}
    coordinates = _axes(grid, rows, columns)
    if times:
        time, bounds = _time_axis(times)
        coordinates["time"] = time
        if bounds is not None:
            variables["time_bnds"] = (("time", "nv"), bounds)
    for name in (*coordinates, *(["time_bnds"] if "time_bnds" in variables else [])):
        encoding[name] = {"_FillValue": None}
    dataset = xr.Dataset(variables, coordinates, {"Conventions": "CF-1.8", "source": "ogcserver"})
    return dataset, ("time", rows, columns) if times else (rows, columns), encoding


def band_attributes(band: Band) -> dict[str, Any]:
    units = {"units": band.unit} if band.unit else {}
    return {"long_name": band.name, "grid_mapping": _MAPPING} | units


def _variable(block: Block, index: int, level: int) -> tuple[np.ndarray[Any, Any], dict[str, Any], dict[str, Any]]:
    """(time, y, x) values of one band, attributes, and encoding."""
    band = block.bands[index]
    part = replace(block, data=block.data[:, index : index + 1], bands=(band,))
    values = stored(part)
    if values.valid is not None:
        values = stored(replace(part, bands=(replace(band, dtype=block.data.dtype.name, nodata=None),)))
    array = values.array[:, 0]
    fill = None if values.nodata is None else array.dtype.type(values.nodata)
    compression = {"zlib": True, "complevel": level, "shuffle": True} if level else {}
    return array, band_attributes(band), {"_FillValue": fill, **compression}


def variable_names(bands: tuple[Band, ...]) -> list[str]:
    """Names that CF allows (clause 2.3), each once."""
    taken = set(_RESERVED)
    names = []
    for band in bands:
        plain = re.sub(r"[^A-Za-z0-9_]", "_", band.name)
        plain = plain if re.match(r"[A-Za-z]", plain) else f"band_{plain}"
        name, count = plain, 2
        while name in taken:
            name, count = f"{plain}_{count}", count + 1
        taken.add(name)
        names.append(name)
    return names


def _grid_mapping(grid: Grid) -> dict[str, Any]:
    lattice = grid.lattice
    left, top = lattice.x(grid.col), lattice.y(grid.row)
    transform = (left, lattice.dx, 0.0, top, 0.0, -lattice.dy)
    parameters = _cf_parameters(grid.crs)
    return {
        **parameters,
        "spatial_ref": parameters["crs_wkt"],
        "GeoTransform": " ".join(f"{number:.17g}" for number in transform),
    }


@lru_cache(maxsize=256)
def _cf_parameters(crs: str) -> dict[str, Any]:
    # PROJ knows no CF name for some projections: crs_wkt alone describes those
    parameters: dict[str, Any] = crs_object(crs).to_cf()
    return {name: value for name, value in parameters.items() if value not in (None, "")}


def _axes(grid: Grid, rows: str, columns: str) -> dict[str, Any]:
    lattice = grid.lattice
    x = lattice.x0 + (grid.col + np.arange(grid.width) + 0.5) * lattice.dx
    y = lattice.y0 - (grid.row + np.arange(grid.height) + 0.5) * lattice.dy
    if rows == "lat":
        x_says = {"standard_name": "longitude", "long_name": "longitude", "units": "degrees_east", "axis": "X"}
        y_says = {"standard_name": "latitude", "long_name": "latitude", "units": "degrees_north", "axis": "Y"}
    else:
        unit = _length_unit(grid.crs)
        x_says = {"standard_name": "projection_x_coordinate", "long_name": "x", "units": unit, "axis": "X"}
        y_says = {"standard_name": "projection_y_coordinate", "long_name": "y", "units": unit, "axis": "Y"}
    return {rows: (rows, y, y_says), columns: (columns, x, x_says)}


def _length_unit(crs: str) -> str:
    unit = crs_object(crs).axis_info[0].unit_name
    return {"metre": "m", "foot": "ft", "US survey foot": "US_survey_foot"}.get(unit, unit)


def _time_axis(labels: tuple[str, ...]) -> tuple[Any, np.ndarray[Any, Any] | None]:
    """The time coordinate; and (time, 2) bounds where labels are intervals."""
    spans = [_span(label) for label in labels]
    times = [span for span in spans if span is not None]
    if len(times) < len(spans):
        return ("time", np.array(labels, dtype=object), {"long_name": "time"}), None
    attributes = {
        "standard_name": "time",
        "long_name": "time",
        "axis": "T",
        "units": _TIME_UNITS,
        "calendar": "standard",
    }
    starts = np.array([start for start, _ in times], np.float64)
    if all(start == end for start, end in times):
        return ("time", starts, attributes), None
    return ("time", starts, attributes | {"bounds": "time_bnds"}), np.array(times, np.float64)


def _span(label: str) -> tuple[float, float] | None:
    """Seconds since 1970 at which an instant or interval begins and ends; None for a label that is neither."""
    try:
        first, last = span(label)
    except InvalidParameter:
        return None
    return first.timestamp(), last.timestamp()
