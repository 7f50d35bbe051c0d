"""The conformance classes of WCS 2.0 that capabilities name."""

from __future__ import annotations

_SPEC = "http://www.opengis.net/spec"

PROFILES = (
    f"{_SPEC}/WCS/2.0/conf/core",
    f"{_SPEC}/WCS_protocol-binding_get-kvp/1.0/conf/get-kvp",
    f"{_SPEC}/WCS_protocol-binding_post-xml/1.0/conf/post-xml",
    f"{_SPEC}/WCS_protocol-binding_soap/1.0/conf/soap",
    f"{_SPEC}/WCS_service-extension_crs/1.0/conf/crs",
    f"{_SPEC}/WCS_service-extension_scaling/1.0/conf/scaling",
    f"{_SPEC}/WCS_service-extension_range-subsetting/1.0/conf/record-subsetting",
    f"{_SPEC}/WCS_service-extension_interpolation/1.0/conf/interpolation",
    f"{_SPEC}/WCS_service-extension_interpolation/1.0/conf/interpolation-nearest-neighbor",
    f"{_SPEC}/WCS_service-extension_interpolation/1.0/conf/interpolation-linear",
    f"{_SPEC}/WCS_service-extension_interpolation/1.0/conf/interpolation-cubic",
    f"{_SPEC}/GMLCOV/1.0/conf/gml-coverage",
    f"{_SPEC}/GMLCOV/1.0/conf/multipart",
    f"{_SPEC}/GMLCOV_geotiff-coverages/1.0/conf/geotiff-coverage",
)
"""Source: OGC 09-110r4, 09-147r3, 09-148r1, 09-149r1, 11-053r1, 12-039, 12-040, 12-049, 09-146r2, 12-100r1.

``average`` is offered without a class: OGC 12-049 has none for it. ``interpolation-per-axis`` is not offered.
"""
