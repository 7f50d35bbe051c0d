"""Failures that only a coverage service knows, and the exception codes of each version of WCS."""

from __future__ import annotations

from ogcserver.errors import (
    CrsError,
    FormatUnsupported,
    InvalidAxis,
    InvalidParameter,
    InvalidScale,
    InvalidSubset,
    JobNotFound,
    NotOnDemand,
    UnsupportedOperation,
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

WCS_11: Codes = {
    **OWS,
    JobNotFound: ("InvalidParameterValue", 404),
    NotOnDemand: ("InvalidParameterValue", 404),
    InvalidSubset: ("InvalidParameterValue", 400),
}
"""Source: OGC 07-067r5 clauses 8.4.2, 9.5.2 and 10.4.2: an unknown identifier is an invalid value."""

WCS_10: Codes = {
    **OWS,
    JobNotFound: ("CoverageNotDefined", 404),
    NotOnDemand: ("CoverageNotDefined", 404),
    InvalidSubset: ("InvalidParameterValue", 400),
    FormatUnsupported: ("InvalidFormat", 400),
    UnsupportedOperation: ("InvalidParameterValue", 400),
}
"""Source: OGC 03-065r6 table A.1. NoApplicableCode is no code of this version, but QGIS knows it."""
