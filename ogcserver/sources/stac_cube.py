"""NetCDF assets of STAC items: which variables are bands, and at which times.

Source: STAC datacube extension 2.x. What the catalogue does not say is read from the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray
from numpy.typing import NDArray

from ogcserver.errors import OgcServerError, SourceUnavailable
from ogcserver.sources.base import BandSource, CubeBand, Extent
from ogcserver.sources.hrefs import is_remote
from ogcserver.sources.raster import shown
from ogcserver.sources.stac_assets import BandFields, number
from ogcserver.sources.stac_proj import asset_crs, asset_extent, cube_extent
from ogcserver.timeline import label, parse_instant

_X_NAMES = frozenset({"x", "lon", "longitude"})
_Y_NAMES = frozenset({"y", "lat", "latitude"})
_TIME_NAMES = frozenset({"time", "t"})


@dataclass(frozen=True, eq=False)
class CubeLayout:
    """What a netCDF file says of itself."""

    variables: Mapping[str, tuple[str, ...]]
    """Names of the data variables' dimensions."""
    times: tuple[str, ...]
    """Labels of its time steps; empty where there is no time axis."""
    bands: Mapping[str, BandFields]
    """Of each variable; ``data_type`` is the dtype of its unpacked values."""


LayoutReader = Callable[[str], CubeLayout]


@dataclass(frozen=True, eq=False)
class CubeStep:
    """The bands of one time step."""

    time: str
    """Label; "" for variables without time axis."""
    step: int | None
    bands: dict[str, BandSource]


@dataclass(frozen=True)
class _Axes:
    """Names of a cube's dimensions."""

    x: frozenset[str]
    y: frozenset[str]
    time: frozenset[str]


def read_layout(href: str) -> CubeLayout:
    """Opens a local netCDF file and tells its variables and times.

    Raises:
        SourceUnavailable: it cannot be read, or lies on the network, where only a catalogue can describe it.
    """
    if is_remote(href):
        raise SourceUnavailable(f"the catalogue does not describe the variables and times of {shown(href)}")
    try:
        with xarray.open_dataset(href, decode_timedelta=False) as dataset:
            names = [str(name) for name in dataset.data_vars]
            axis = next((dataset[n].to_numpy() for n in dataset.coords if str(n).lower() in _TIME_NAMES), None)
            return CubeLayout(
                {name: tuple(map(str, dataset[name].dims)) for name in names},
                () if axis is None else _labels(axis),
                {name: _variable_fields(name, dataset[name]) for name in names},
            )
    except (OSError, RuntimeError, ValueError) as error:
        raise SourceUnavailable(f"cannot read {shown(href)}: {error}") from error


def cube_bands(
    assets: Iterable[Mapping[str, Any]],
    properties: Mapping[str, Any],
    defaults: Mapping[str, Any],
    reader: LayoutReader | None,
) -> list[CubeStep]:
    """The time steps of an item's netCDF files, by time; files with the same times share steps.

    Args:
        assets: with absolute ``href``.
        defaults: ``cube:dimensions`` and ``cube:variables`` of the collection.
    """
    found: dict[tuple[str, int | None], CubeStep] = {}
    for asset in assets:
        variables, dimensions = described(asset, properties, defaults)
        axes, href = _axes(dimensions), str(asset["href"])
        layout = reader(href) if reader and (not variables or not _values(dimensions, axes)) else None
        shapes = variables or (dict(layout.variables) if layout else {})
        times = _values(dimensions, axes) or (layout.times if layout else ())
        crs, extent = asset_crs(asset, properties), asset_extent(asset, properties)
        if extent is None:
            extent = _dimension_extent(dimensions, axes)
        crs = crs or (extent.lattice.crs if extent else None)
        for name, shape in shapes.items():
            if not (axes.x & set(shape) and axes.y & set(shape)):
                continue
            steps = list(enumerate(times)) if axes.time & set(shape) else [(None, "")]
            for step, time in steps:
                place = BandSource(CubeBand(href, name, step, crs), extent=extent)
                found.setdefault((time, step), CubeStep(time, step, {})).bands.setdefault(name, place)
    return sorted(found.values(), key=lambda s: (s.time, s.step or 0))


def described(
    asset: Mapping[str, Any], properties: Mapping[str, Any], defaults: Mapping[str, Any]
) -> tuple[dict[str, tuple[str, ...]], Mapping[str, Any]]:
    """Dimensions of each data variable, and the description of the dimensions, as asset, item or collection say."""
    sources = (asset, properties, defaults)
    variables: Mapping[str, Any] = next((s["cube:variables"] for s in sources if s.get("cube:variables")), {})
    dimensions: Mapping[str, Any] = next((s["cube:dimensions"] for s in sources if s.get("cube:dimensions")), {})
    shapes = {
        str(name): tuple(map(str, variable.get("dimensions") or ()))
        for name, variable in variables.items()
        if variable.get("type", "data") == "data"
    }
    return shapes, dimensions


def variable_bands(fields: Mapping[str, Any], dimensions: Mapping[str, Any]) -> list[BandFields]:
    """The bands that ``cube:variables`` describe."""
    shapes, described_dimensions = described(fields, {}, {"cube:dimensions": dimensions})
    axes, variables = _axes(described_dimensions), fields.get("cube:variables") or {}
    return [
        BandFields(
            name,
            description=str(variables[name].get("description") or ""),
            data_type=str(variables[name].get("data_type") or ""),
            nodata=number(variables[name].get("nodata")),
            unit=str(variables[name].get("unit") or ""),
        )
        for name, shape in shapes.items()
        if axes.x & set(shape) and axes.y & set(shape)
    ]


def _axes(dimensions: Mapping[str, Any]) -> _Axes:
    """By what the dimensions say of themselves, and by customary names where they say nothing."""

    def named(kind: str, axis: str | None, usual: frozenset[str]) -> frozenset[str]:
        found = {
            str(name) for name, dimension in dimensions.items()
            if dimension.get("type") == kind and (axis is None or dimension.get("axis") == axis)
        }  # fmt: skip
        return frozenset(found) or usual

    return _Axes(named("spatial", "x", _X_NAMES), named("spatial", "y", _Y_NAMES), named("temporal", None, _TIME_NAMES))


def _values(dimensions: Mapping[str, Any], axes: _Axes) -> tuple[str, ...]:
    """Labels of the time steps; empty where the catalogue does not list them."""
    time: Mapping[str, Any] = next((dimensions[name] for name in axes.time if name in dimensions), {})
    values = time.get("values") or ()
    return tuple(label(parse_instant(str(value))) for value in values)


def _dimension_extent(dimensions: Mapping[str, Any], axes: _Axes) -> Extent | None:
    x = next((dimensions[name] for name in axes.x if name in dimensions), None)
    y = next((dimensions[name] for name in axes.y if name in dimensions), None)
    return cube_extent(x, y) if x and y else None


def _labels(axis: NDArray[Any]) -> tuple[str, ...]:
    values = np.atleast_1d(axis)
    if np.issubdtype(values.dtype, np.datetime64):
        return tuple(label(parse_instant(f"{text}Z")) for text in np.datetime_as_string(values, unit="s"))
    try:  # other calendars come as cftime objects
        return tuple(label(parse_instant(value.isoformat())) for value in values)
    except (AttributeError, OgcServerError) as error:
        raise ValueError("the time axis holds no dates") from error


def _variable_fields(name: str, variable: xarray.DataArray) -> BandFields:
    attributes = variable.attrs
    return BandFields(
        name,
        description=str(attributes.get("long_name", "")),
        data_type=variable.dtype.name,
        unit=str(attributes.get("units", "")),
    )
