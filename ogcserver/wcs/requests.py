"""What clients ask a WCS 2.0 for, as values.

Source: OGC 09-110r4 clause 8, OGC 09-147r3 (KVP), and the extensions named at each field.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ogcserver.cube import Resampling
from ogcserver.errors import InvalidParameter, UnsupportedVersion
from ogcserver.ows.kvp import Kvp, choice
from ogcserver.ows.sections import chosen_sections
from ogcserver.wcs.codes import EmptyCoverageIdList, InterpolationUnsupported
from ogcserver.wcs.geotiff import geotiff_options
from ogcserver.wcs.syntax import (
    AxisScales,
    Subset,
    interpolation,
    output_crs,
    parse_subset,
    scale_axes,
    scale_extent,
    scale_extent_first,
    scale_factor,
    scale_size,
    subsetting_crs,
)

SECTIONS = ("ServiceIdentification", "ServiceProvider", "OperationsMetadata", "ServiceMetadata", "Contents")
SERIES = "DatasetSeriesSummary"
"""A section for those who ask for it, or for all.  Source: OGC 10-140r1 clause 8.2."""
DOCUMENT_TYPES = ("text/xml", "application/xml")
"""Of capabilities, the usual one first."""

MULTIPART = "multipart/related"

_VERSION = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4}){0,3}")

ScaleKind = Literal["none", "factor", "axes", "pixels"]


@dataclass(frozen=True)
class GetCapabilities:
    sections: frozenset[str] = frozenset(SECTIONS)
    media_type: str = DOCUMENT_TYPES[0]
    """Of the answer: the first of AcceptFormats that is one of :data:`DOCUMENT_TYPES`, or else the usual one."""
    update_sequence: str = ""
    """Of the document that the client has; "" for none."""

    @classmethod
    def from_kvp(cls, kvp: Kvp) -> GetCapabilities:
        """Raises InvalidParameter: a section that does not exist."""
        accepted = [text.lower() for text in kvp.listed("acceptFormats")]
        media_type = next((text for text in accepted if text in DOCUMENT_TYPES), DOCUMENT_TYPES[0])
        sections = chosen_sections(kvp, (*SECTIONS, SERIES)) - (frozenset() if "sections" in kvp else {SERIES})
        return cls(sections, media_type, kvp.optional("updateSequence", str) or "")


@dataclass(frozen=True)
class DescribeCoverage:
    coverage_ids: tuple[str, ...]

    @classmethod
    def from_kvp(cls, kvp: Kvp) -> DescribeCoverage:
        """Raises EmptyCoverageIdList: no identifier."""
        identifiers = tuple(dict.fromkeys(kvp.listed("coverageId")))
        if not identifiers:
            raise EmptyCoverageIdList("name one coverage or more", locator="coverageId")
        return cls(identifiers)


@dataclass(frozen=True)
class Scaling:
    """How many pixels to deliver.  Source: OGC 12-039."""

    kind: ScaleKind = "none"
    values: AxisScales = ()
    """Axes are as the client wrote them; the one factor for all axes has the axis ``*``."""
    locator: str = ""
    """The parameter it comes from."""
    first: AxisScales = ()
    """What the first pixel along an axis is called, 0 unless SCALEEXTENT says so."""


@dataclass(frozen=True)
class GetCoverage:
    coverage_id: str
    subsets: tuple[Subset, ...] = ()
    subsetting_crs: str = ""
    """Canonical; "" is the coverage's own.  Source: OGC 11-053r1."""
    output_crs: str = ""
    """Canonical; "" is ``subsetting_crs``."""
    scaling: Scaling = Scaling()
    fields: tuple[str, ...] = ()
    """Names, or ``first:last``; empty for all.  Source: OGC 12-040."""
    interpolation: Resampling | None = None
    """Source: OGC 12-049."""
    format: str = ""
    """Media type or name; "" is the native format."""
    options: tuple[tuple[str, str], ...] = ()
    """Options of the file format.  Source: OGC 12-100r1."""
    multipart: bool = False
    """Whether a GML document shall come with the file."""

    @classmethod
    def from_kvp(cls, kvp: Kvp) -> GetCoverage:
        """
        Raises:
            MissingParameter, InvalidParameter, InvalidSubset, InvalidScale: as they say.
            SubsettingCrsError, OutputCrsError: a CRS that PROJ does not know.
            InterpolationUnsupported: an unknown method, or one for each axis.
            FormatOptionInvalid: parameters of GeoTIFF that contradict each other.
        """
        if "interpolationPerAxis" in kvp:
            raise InterpolationUnsupported("all axes have one interpolation", locator="interpolationPerAxis")
        return cls(
            coverage_id=kvp.one("coverageId", str),
            subsets=kvp.many("subset", parse_subset),
            subsetting_crs=kvp.optional("subsettingCrs", subsetting_crs) or "",
            output_crs=kvp.optional("outputCrs", output_crs) or "",
            scaling=_scaling(kvp),
            fields=kvp.listed("rangeSubset"),
            interpolation=kvp.optional("interpolation", interpolation),
            format=kvp.optional("format", str) or "",
            options=geotiff_options(kvp),
            multipart=kvp.optional("mediaType", choice(MULTIPART)) is not None,
        )


def negotiate(kvp: Kvp, offered: tuple[str, ...]) -> str:
    """The version to answer GetCapabilities in: the first of AcceptVersions that is offered.

    Clients from before AcceptVersions, and GDAL, QGIS and OWSLib, send VERSION: of one that is not offered, the highest
    one below it, or else the lowest. Without either it is the first one offered. Instead of a version that differs
    from offered ones in the third number only, the first of these is taken.

    Raises:
        UnsupportedVersion: none of AcceptVersions, or VERSION is no version.
    Source: OGC 06-121r9 clause 7.3.2; OGC 03-065r6 clause 6.2 (VERSION).
    """
    accepted, version = kvp.listed("acceptVersions"), kvp.optional("version", str)
    known = f"only versions {', '.join(offered)} are spoken here"
    if accepted:
        if found := next((found for version in accepted if (found := _same(version, offered))), ""):
            return found
        raise UnsupportedVersion(known, locator="acceptVersions")
    if not version:
        return offered[0]
    if not _VERSION.fullmatch(version):
        raise UnsupportedVersion(known, locator="version")
    return _same(version, offered) or _nearest(version, offered)


def _nearest(version: str, offered: tuple[str, ...]) -> str:
    below = [known for known in offered if _numbers(known) < _numbers(version)]
    return max(below, key=_numbers) if below else min(offered, key=_numbers)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def required_version(kvp: Kvp, offered: tuple[str, ...]) -> str:
    """The version of any other request.

    Raises:
        MissingParameter: absent.
        InvalidParameter: not offered (06-121r9 clause 7.3.2 knows VersionNegotiationFailed for GetCapabilities only).
    """
    version = kvp.one("version", str)
    if found := _same(version, offered):
        return found
    raise InvalidParameter(f"only versions {', '.join(offered)} are spoken here", locator="version")


def _same(version: str, offered: tuple[str, ...]) -> str:
    if version in offered:
        return version
    family = version.split(".")[:2]
    return next((known for known in offered if known.split(".")[:2] == family), "")


def _scaling(kvp: Kvp) -> Scaling:
    """At most one of the ways to scale; SIZE is the spelling of openEO API 0.3 and of OWSLib."""
    ways = []
    factor = kvp.optional("scaleFactor", scale_factor)
    if factor is not None:
        ways.append(Scaling("factor", (("*", factor),), "scaleFactor"))
    per_axis: tuple[tuple[str, ScaleKind, Callable[[str], AxisScales]], ...] = (
        ("scaleAxes", "axes", scale_axes),
        ("scaleSize", "pixels", scale_size),
        ("size", "pixels", scale_size),
        ("scaleExtent", "pixels", scale_extent),
    )
    first = tuple(pair for pairs in kvp.many("scaleExtent", scale_extent_first) for pair in pairs)
    for name, kind, parse in per_axis:
        values = tuple(pair for pairs in kvp.many(name, parse) for pair in pairs)
        if values:
            ways.append(Scaling(kind, values, name, first))
    if len(ways) > 1:
        raise InvalidParameter(f"{ways[0].locator} and {ways[1].locator} exclude each other", locator=ways[1].locator)
    return ways[0] if ways else Scaling()
