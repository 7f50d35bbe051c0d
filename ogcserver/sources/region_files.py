"""The regions that a user's files hold: found for a graph, read when they are needed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from ogcserver.errors import FileContentInvalid, FileNotFound, FileTooLarge, JobStateError
from ogcserver.geo.crs import project
from ogcserver.plan.zonal import RegionFiles
from ogcserver.sources.vector import READERS, Column, Geometries, VectorFile, VectorLimits, read_vector

_POLYGONS = (3, 6)
"""Polygon and multipolygon by their numbers in shapely."""
_SIDECARS = (".shx", ".dbf", ".prj", ".cpg")
"""What a shapefile consists of besides."""


@dataclass(frozen=True, eq=False)
class Regions:
    """Polygons with what is known of them."""

    geometries: Geometries
    """Valid polygons and multipolygons; None where a feature has none."""
    crs: str
    columns: Mapping[str, Column]
    remarks: tuple[str, ...]
    """For each: what was wrong with it; "" where nothing was."""


@dataclass(frozen=True, eq=False)
class RegionFolder:
    """Finds the files of regions that a user's graphs name."""

    place: Callable[[str], Path]
    """The file or folder of an address. Raises InvalidParameter and FileNotFound."""
    limits: VectorLimits = VectorLimits()  # noqa: RUF009

    def find(self, address: str) -> RegionFiles:
        """The file of regions, or all of them that lie in a folder, but not in folders inside of it.

        Raises:
            InvalidParameter: not an address of a user's file.
            FileNotFound: no such file, or none of regions in the folder.
            FileContentInvalid: no format of regions.
            FileTooLarge: more bytes than are allowed.
        """
        place = self.place(address)
        files: tuple[Path, ...] = (place,)
        if place.is_dir():
            files = tuple(sorted(path for path in place.iterdir() if _is_regions(path)))
            if not files:
                raise FileNotFound(f"there is no file of regions in {address[:80]!r}: {', '.join(READERS)}")
        elif not _is_regions(place):
            raise FileContentInvalid(f"{place.name} is no file of regions: use {', '.join(READERS)}")
        return RegionFiles(_digest(files, self.limits), files)


def _is_regions(path: Path) -> bool:
    return path.suffix.lower() in READERS and path.is_file() and not path.is_symlink()


def _digest(files: Sequence[Path], limits: VectorLimits) -> str:
    total, digest = 0, hashlib.sha256()
    for path in files:
        for part in (path, *_sidecars(path)):
            total += part.stat().st_size
            if total > limits.max_bytes:
                raise FileTooLarge(f"regions may have no more than {limits.max_bytes} bytes")
            with part.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").digest()
            digest.update(part.name.encode() + b"\0" + content)
    return digest.hexdigest()


def _sidecars(path: Path) -> list[Path]:
    if path.suffix.lower() != ".shp":
        return []
    return [beside for suffix in _SIDECARS if (beside := path.with_suffix(suffix)).is_file()]


def read_regions(found: RegionFiles, limits: VectorLimits = VectorLimits()) -> Regions:  # noqa: B008
    """The features of all files, one file after the other, in the CRS of the first.

    Polygons that cross themselves are repaired; features without area stay, and get no statistics.

    Raises:
        JobStateError: the files are not what they were when the graph was compiled.
        FileContentInvalid, FileTooLarge: see :func:`ogcserver.sources.vector.read_vector`.
    """
    try:
        digest = _digest(found.files, limits)
    except OSError:
        digest = ""
    if digest != found.digest:
        raise JobStateError("the files of regions have changed meanwhile: queue the job again")
    parts = [read_vector(path, limits) for path in found.files]
    count = sum(len(part.geometries) for part in parts)
    if count > limits.max_features:
        raise FileTooLarge(f"there are {count} regions, more than the {limits.max_features} that are allowed")
    crs = parts[0].crs
    geometries = np.concatenate([_in_crs(part, crs) for part in parts])
    if (corners := int(shapely.get_num_coordinates(geometries).sum())) > limits.max_corners:
        raise FileTooLarge(f"the regions have {corners} corners, more than the {limits.max_corners} that are allowed")
    valid, remarks = _repaired(geometries)
    if count and all(one is None for one in valid):
        raise FileContentInvalid("the files of regions hold no polygon")
    columns = _joined(parts)
    if len(parts) > 1:
        names = [path.name for path, part in zip(found.files, parts, strict=True) for _ in part.geometries]
        columns = {"file": np.array(names, object)} | columns
    return Regions(valid, crs, columns, remarks)


def _in_crs(part: VectorFile, crs: str) -> Geometries:
    if part.crs == crs:
        return part.geometries
    return in_crs(part.geometries, part.crs, crs)


def in_crs(geometries: Geometries, source: str, target: str) -> Geometries:
    """Geometries with their corners in another CRS."""

    def change(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack(project(source, target, points[:, 0].copy(), points[:, 1].copy()), axis=1)

    return np.asarray(shapely.transform(geometries, change), object)


def _repaired(geometries: Geometries) -> tuple[Geometries, tuple[str, ...]]:
    """Polygons that are valid, or None, and what was wrong with each."""
    flat = shapely.force_2d(geometries)
    finite = np.array([np.isfinite(one).all() for one in shapely.bounds(flat)])
    wrong = ~np.asarray(shapely.is_valid(flat)) & ~np.asarray(shapely.is_missing(flat)) & finite
    remarks = np.full(len(flat), "", object)
    remarks[wrong] = [f"repaired: {reason}" for reason in shapely.is_valid_reason(flat[wrong])]
    flat[wrong] = shapely.make_valid(flat[wrong], method="structure", keep_collapsed=False)
    usable = np.isin(shapely.get_type_id(flat), _POLYGONS) & ~shapely.is_empty(flat) & finite
    remarks[~usable] = "no polygon"
    flat[~usable] = None
    return np.asarray(flat, object), tuple(map(str, remarks))


def _joined(parts: Sequence[VectorFile]) -> dict[str, Column]:
    """The columns of all files; null where a file has no such column, texts where types differ."""
    joined: dict[str, Column] = {}
    for name in dict.fromkeys(name for part in parts for name in part.columns):
        columns = [part.columns.get(name, np.full(len(part.geometries), None, object)) for part in parts]
        kinds = {column.dtype.kind for column in columns}
        if len(kinds) > 1:
            columns = [_texts(column) for column in columns]
        joined[name] = np.concatenate(columns)
    return joined


def _texts(column: Column) -> Column:
    if column.dtype.kind == "O":
        return column
    texts = [None if value != value else str(value) for value in column.tolist()]
    return np.array([*texts, None], object)[:-1]
