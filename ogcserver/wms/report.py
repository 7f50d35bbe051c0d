"""Exceptions as WMS tells them: documents, text in a picture, or an empty picture.

A code of WMS says which parameter is wrong, so it follows from the locator.

Source: OGC 06-042 clause 6.11, 7.3.3.11 and table E.1; OGC 01-068r3 clause 6.7 and annex A.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from starlette.responses import Response

from ogcserver.errors import RequestError
from ogcserver.ows.report import OWS, Codes, Dialect, Fault, seen_by_qgis, written
from ogcserver.ows.xml import OGC, XSI, Element, Elements, with_doctype
from ogcserver.wms.versions import V111, Version


class CurrentUpdateSequence(RequestError):
    """The client has the current capabilities."""


CODES: Codes = seen_by_qgis({**OWS, CurrentUpdateSequence: ("CurrentUpdateSequence", 400)})
"""All with status 200 that a user can act upon, as WMS clients expect and QGIS needs."""

_SCHEMA = "http://www.opengis.net/ogc http://schemas.opengis.net/wms/1.3.0/exceptions_1_3_0.xsd"
_DTD = "http://schemas.opengis.net/wms/1.1.1/exception_1_1_1.dtd"
_BY_LOCATOR: Mapping[str, str] = {
    "LAYER": "LayerNotDefined",
    "LAYERS": "LayerNotDefined",
    "QUERY_LAYERS": "LayerNotDefined",
    "STYLE": "StyleNotDefined",
    "STYLES": "StyleNotDefined",
    "FORMAT": "InvalidFormat",
    "INFO_FORMAT": "InvalidFormat",
    "I": "InvalidPoint",
    "J": "InvalidPoint",
    "X": "InvalidPoint",
    "Y": "InvalidPoint",
    "TIME": "InvalidDimensionValue",
    "UPDATESEQUENCE": "InvalidUpdateSequence",
}
"""Parameter -> code when its value cannot be used."""


def dialect(version: Version) -> Dialect:
    """How failures of a request in this version are told."""
    document = _report_111 if version is V111 else _report
    told = written(CODES, lambda fault: document(_coded(fault, version)))
    if version is not V111:
        return told

    def write(fault: Fault) -> Response:
        response = told.write(fault)
        response.headers["content-type"] = V111.exceptions[0]
        return response

    return Dialect(CODES, write)


def _coded(fault: Fault, version: Version) -> Fault:
    """The fault with the code that WMS has for it."""
    if fault.code != "InvalidParameterValue":
        return fault
    codes = {**_BY_LOCATOR, version.crs: version.crs_code}
    return replace(fault, code=codes.get(fault.locator or "", fault.code))


def _report(fault: Fault) -> Element:
    e = Elements({None: OGC, "xsi": XSI})
    attributes = _code(fault) | ({"locator": fault.locator} if fault.locator else {})
    head = {"version": "1.3.0", "xsi:schemaLocation": _SCHEMA}
    return e("ServiceExceptionReport", head, e("ServiceException", attributes, fault.text))


def _report_111(fault: Fault) -> Element:
    """A report by a document type, and without locator."""
    e = Elements({})
    root = e("ServiceExceptionReport", {"version": "1.1.1"}, e("ServiceException", _code(fault), fault.text))
    return with_doctype(root, _DTD)


def _code(fault: Fault) -> dict[str, str]:
    """Codes say what is wrong with a request; where none does, there is no attribute."""
    return {} if fault.code == "NoApplicableCode" else {"code": fault.code}
