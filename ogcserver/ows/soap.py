"""SOAP around requests and answers: 1.2, and 1.1 where a service wants it.

Source: W3C SOAP 1.2 part 1; OGC 09-149r1 (WCS in SOAP), OGC 07-057r7 clause 9 (WMTS in SOAP), OGC 06-121r9 clause 8.6
(exceptions in SOAP).
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from ogcserver.ows.reading import MalformedDocument
from ogcserver.ows.report import Codes, Dialect, Fault, Version, exception_report
from ogcserver.ows.xml import Element, Elements, xml_response

SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
MEDIA_TYPE = "application/soap+xml"
MEDIA_TYPES = {SOAP_12: MEDIA_TYPE, SOAP_11: "text/xml"}

_NAMES = {SOAP_12: "1.2", SOAP_11: "1.1"}
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


def is_envelope(root: Element) -> bool:
    """Whether a document is in SOAP, of whichever version."""
    return str(root.tag).endswith("}Envelope")


def version_of(root: Element, accepted: tuple[str, ...] = (SOAP_12,)) -> str:
    """The namespace of an envelope.

    Raises:
        MalformedDocument: not an envelope of one of these.
    """
    for version in accepted:
        if root.tag == f"{{{version}}}Envelope":
            return version
    known = " or ".join(f"{_NAMES[version]}, {version}" for version in accepted)
    raise MalformedDocument(f"the request must be in an Envelope of SOAP {known}")


def content(root: Element, accepted: tuple[str, ...] = (SOAP_12,)) -> Element:
    """The only element in the body of an envelope.

    Raises:
        MalformedDocument: not an envelope of these versions, a header that must be understood, or not one element.
    """
    version = version_of(root, accepted)
    must_understand = f"{{{version}}}mustUnderstand"
    if any(block.get(must_understand) in ("true", "1") for block in root.iterfind(f"{{{version}}}Header/*")):
        raise MalformedDocument("no header is understood here")
    found = root.findall(f"{{{version}}}Body/*")
    if len(found) != 1:
        raise MalformedDocument(f"the body must hold one request, not {len(found)}")
    return found[0]


def envelope(*parts: Element, version: str = SOAP_12) -> Element:
    """An envelope with these elements in its body."""
    e = Elements({"soap": version})
    return e("soap:Envelope", e("soap:Body", parts))


def soap_response(
    document: Element, version: str = SOAP_12, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """An HTTP answer that holds the document in an envelope."""
    return xml_response(envelope(document, version=version), status, headers, MEDIA_TYPES[version])


def soap_dialect(codes: Codes, reports: Version = "2.0", version: str = SOAP_12) -> Dialect:
    """Failures as SOAP faults around an ExceptionReport, with the HTTP status that they have without.

    Args:
        reports: version of OWS Common of the ExceptionReport.
    """

    def write(fault: Fault) -> Response:
        report = exception_report(reports, fault)
        told = _fault_11(fault, report) if version == SOAP_11 else _fault_12(fault, report)
        return soap_response(told, version, fault.status, fault.headers)

    return Dialect(codes, write)


def _fault_12(fault: Fault, report: Element) -> Element:
    e = Elements({"soap": SOAP_12})
    reason = e("soap:Text", fault.text)
    reason.set(_LANGUAGE, "en")
    return e(
        "soap:Fault",
        e("soap:Code", e("soap:Value", "soap:Sender" if fault.status < 500 else "soap:Receiver")),
        e("soap:Reason", reason),
        e("soap:Detail", report),
    )


def _fault_11(fault: Fault, report: Element) -> Element:
    """Its parts are in no namespace.  Source: SOAP 1.1 clause 4.4."""
    e, plain = Elements({"soap": SOAP_11}), Elements({})
    return e(
        "soap:Fault",
        plain("faultcode", "soap:Client" if fault.status < 500 else "soap:Server"),
        plain("faultstring", fault.text),
        plain("detail", report),
    )
