"""Failures that only a coverage service knows, and the exception codes of WCS 2.0."""

from __future__ import annotations

from ogcserver.errors import (
    CrsError,
    InvalidAxis,
    InvalidParameter,
    InvalidScale,
    InvalidSubset,
    JobNotFound,
    NotOnDemand,
)
from ogcserver.ows.report import OWS, Codes


class UnknownScaleAxis(InvalidAxis):
    """A scaling names an axis that the coverage's grid does not have."""


class InvalidScaleExtent(InvalidScale):
    """The upper bound of a scaling extent is below its lower bound."""


class UnknownField(InvalidParameter):
    """A range subset names a field that the coverage does not have."""


class SubsettingCrsError(CrsError):
    """The CRS of the subsets is unknown."""


class OutputCrsError(CrsError):
    """The CRS that the coverage shall be delivered in is unknown."""


class InterpolationUnsupported(InvalidParameter):
    """There is no such interpolation method."""


WCS_20: Codes = {
    **OWS,
    JobNotFound: ("NoSuchCoverage", 404),
    NotOnDemand: ("NoSuchCoverage", 404),
    InvalidAxis: ("InvalidAxisLabel", 404),
    InvalidSubset: ("InvalidSubsetting", 404),
    SubsettingCrsError: ("SubsettingCrs-NotSupported", 404),
    OutputCrsError: ("OutputCrs-NotSupported", 404),
    InvalidScale: ("InvalidScaleFactor", 404),
    InvalidScaleExtent: ("InvalidExtent", 404),
    UnknownScaleAxis: ("ScaleAxisUndefined", 404),
    UnknownField: ("NoSuchField", 404),
    InterpolationUnsupported: ("InterpolationMethodNotSupported", 404),
}
"""Source: OGC 09-110r4 clause 8.3.3 and 8.4.3, 11-053r1, 12-039, 12-040, 12-049 (tables of exception codes)."""
