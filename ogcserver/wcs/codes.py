"""Failures that only a coverage service knows, and the exception codes of each version of WCS."""

from __future__ import annotations

from ogcserver.errors import (
    CrsError,
    FormatOptionInvalid,
    FormatUnsupported,
    InvalidAxis,
    InvalidParameter,
    InvalidScale,
    InvalidSubset,
    JobNotFound,
    MissingParameter,
    NotOnDemand,
    RequestError,
    UnsupportedOperation,
)
from ogcserver.ows.reading import MalformedDocument
from ogcserver.ows.report import OWS, Codes


class EmptyCoverageIdList(MissingParameter):
    """DescribeCoverage names no coverage."""


class EmptyEoIdList(MissingParameter):
    """DescribeEOCoverageSet names no series."""


class UnknownEoId(JobNotFound):
    """DescribeEOCoverageSet names a series that is not there."""


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


class IllegalFieldSequence(InvalidParameter):
    """The fields of an interval are in the wrong order."""


class InterpolationUnsupported(InvalidParameter):
    """There is no such interpolation method."""


class InvalidUpdateSequence(InvalidParameter):
    """A client's update sequence is newer than the server's."""


class CurrentUpdateSequence(RequestError):
    """A client's update sequence is the server's; what WCS 1.0.0 calls a failure."""


class CompressionInvalid(FormatOptionInvalid):
    """There is no such compression."""


class CompressionNotSupported(FormatOptionInvalid):
    """The compression exists, but not here or not for what is asked."""


class JpegQualityInvalid(FormatOptionInvalid):
    """The quality of JPEG is no whole number from 1 to 100."""


class PredictorInvalid(FormatOptionInvalid):
    """There is no such predictor."""


class PredictorNotSupported(FormatOptionInvalid):
    """The predictor exists, but not for this compression."""


class InterleavingInvalid(FormatOptionInvalid):
    """Bands cannot be arranged like this."""


class TilingInvalid(FormatOptionInvalid):
    """Tiles cannot be of this size."""


WCS_20: Codes = {
    **OWS,
    EmptyCoverageIdList: ("emptyCoverageIdList", 404),
    EmptyEoIdList: ("emptyEoIdList", 404),
    UnknownEoId: ("NoSuchDatasetSeriesOrCoverage", 404),
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
    IllegalFieldSequence: ("IllegalFieldSequence", 404),
    InterpolationUnsupported: ("InterpolationMethodNotSupported", 404),
    InvalidUpdateSequence: ("InvalidUpdateSequence", 400),
    MalformedDocument: ("InvalidEncodingSyntax", 400),
    CompressionInvalid: ("CompressionInvalid", 404),
    CompressionNotSupported: ("CompressionNotSupported", 404),
    JpegQualityInvalid: ("JpegQualityInvalid", 404),
    PredictorInvalid: ("PredictorInvalid", 404),
    PredictorNotSupported: ("PredictorNotSupported", 404),
    InterleavingInvalid: ("InterleavingInvalid", 404),
    TilingInvalid: ("TilingInvalid", 404),
}
"""Source: OGC 09-110r4 clause 8.3.3 and 8.4.3, 09-148r1, 11-053r1, 12-039, 12-040, 12-049, 12-101 (tables of
exception codes), 10-140r1 (EO-WCS)."""

WCS_11: Codes = {
    **OWS,
    JobNotFound: ("InvalidParameterValue", 404),
    NotOnDemand: ("InvalidParameterValue", 404),
    InvalidSubset: ("InvalidParameterValue", 400),
    InvalidUpdateSequence: ("InvalidUpdateSequence", 400),
    MalformedDocument: ("InvalidParameterValue", 400),
}
"""Source: OGC 07-067r5 clauses 8.4.2, 9.5.2 and 10.4.2: an unknown identifier is an invalid value."""

WCS_10: Codes = {
    **OWS,
    JobNotFound: ("CoverageNotDefined", 404),
    NotOnDemand: ("CoverageNotDefined", 404),
    InvalidSubset: ("InvalidParameterValue", 400),
    FormatUnsupported: ("InvalidFormat", 400),
    UnsupportedOperation: ("InvalidParameterValue", 400),
    InvalidUpdateSequence: ("InvalidUpdateSequence", 400),
    CurrentUpdateSequence: ("CurrentUpdateSequence", 400),
    MalformedDocument: ("InvalidParameterValue", 400),
}
"""Source: OGC 03-065r6 table A.1. NoApplicableCode is no code of this version, but QGIS knows it."""
