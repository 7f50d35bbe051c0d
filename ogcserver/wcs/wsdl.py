"""The description of the service for SOAP toolkits, at ``?wsdl``.

It says what the published binding of WCS 2.0 says, in the namespaces of WCS 2.0 and for SOAP 1.2; the published file
has those of drafts. What a file adds to the answer of GetCoverage, an attachment, WSDL 1.1 cannot tell.

Source: OGC 09-149r1 clause 7; W3C Note WSDL 1.1, W3C Submission WSDL 1.1 Binding Extension for SOAP 1.2.
"""

from __future__ import annotations

from starlette.requests import Request

from ogcserver.ows.xml import OWS_20, WCS_20, Element, Elements

_WSDL = "http://schemas.xmlsoap.org/wsdl/"
_SOAP_12 = "http://schemas.xmlsoap.org/wsdl/soap12/"
_XSD = "http://www.w3.org/2001/XMLSchema"
_HTTP = "http://schemas.xmlsoap.org/soap/http"
_OWN = "http://www.opengis.net/wcs/wsdl"
_GMLCOV = "http://www.opengis.net/gmlcov/1.0"
_FAULT = "ServiceExceptionReport"
_SCHEMAS = {
    WCS_20: "http://schemas.opengis.net/wcs/2.0/wcsAll.xsd",
    OWS_20: "http://schemas.opengis.net/ows/2.0/owsAll.xsd",
    _GMLCOV: "http://schemas.opengis.net/gmlcov/1.0/gmlcovAll.xsd",
}
_OPERATIONS = {
    "GetCapabilities": ("wcs:GetCapabilities", "wcs:Capabilities"),
    "DescribeCoverage": ("wcs:DescribeCoverage", "wcs:CoverageDescriptions"),
    "GetCoverage": ("wcs:GetCoverage", "gmlcov:AbstractCoverage"),
}
"""What the bodies of request and answer hold."""


def asks_for_wsdl(request: Request) -> bool:
    return request.method == "GET" and [name.lower() for name in request.query_params] == ["wsdl"]


def description(url: str) -> Element:
    """``wsdl:definitions``.

    Args:
        url: where SOAP is posted.
    """
    e = Elements({"wsdl": _WSDL, "soap": _SOAP_12, "xsd": _XSD, "wcs": WCS_20, "ows": OWS_20, "gmlcov": _GMLCOV,
                  "wcswsdl": _OWN})  # fmt: skip
    imports = [e("xsd:import", {"namespace": space, "schemaLocation": place}) for space, place in _SCHEMAS.items()]
    address = e("soap:address", {"location": url})
    port = e("wsdl:port", {"name": "WcsSoapPort", "binding": "wcswsdl:WcsSoapBinding"}, address)
    return e(
        "wsdl:definitions",
        {"targetNamespace": _OWN},
        e("wsdl:types", e("xsd:schema", imports)),
        [_message(e, f"{name}Request", asked) for name, (asked, _) in _OPERATIONS.items()],
        [_message(e, f"{name}Response", answer) for name, (_, answer) in _OPERATIONS.items()],
        _message(e, _FAULT, "ows:ExceptionReport"),
        e("wsdl:portType", {"name": "WcsPortType"}, [_signature(e, name) for name in _OPERATIONS]),
        e(
            "wsdl:binding",
            {"name": "WcsSoapBinding", "type": "wcswsdl:WcsPortType"},
            e("soap:binding", {"style": "document", "transport": _HTTP}),
            [_bound(e, name) for name in _OPERATIONS],
        ),
        e("wsdl:service", {"name": "WebCoverageService"}, port),
    )


def _message(e: Elements, name: str, element: str) -> Element:
    return e("wsdl:message", {"name": name}, e("wsdl:part", {"name": "Body", "element": element}))


def _signature(e: Elements, name: str) -> Element:
    return e(
        "wsdl:operation",
        {"name": f"{name}Operation"},
        e("wsdl:input", {"message": f"wcswsdl:{name}Request"}),
        e("wsdl:output", {"message": f"wcswsdl:{name}Response"}),
        e("wsdl:fault", {"name": _FAULT, "message": f"wcswsdl:{_FAULT}"}),
    )


def _bound(e: Elements, name: str) -> Element:
    return e(
        "wsdl:operation",
        {"name": f"{name}Operation"},
        e("soap:operation", {"soapAction": "", "soapActionRequired": "false"}),
        e("wsdl:input", e("soap:body", {"use": "literal"})),
        e("wsdl:output", e("soap:body", {"use": "literal"})),
        e("wsdl:fault", {"name": _FAULT}, e("soap:fault", {"name": _FAULT, "use": "literal"})),
    )
