"""The description of the service for SOAP toolkits: whatever it names is there."""

from __future__ import annotations

from lxml import etree

from ogcserver.wcs.wsdl import description
from tests.api.test_wcs import get

WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
SOAP = "{http://schemas.xmlsoap.org/wsdl/soap12/}"


def test_every_name_leads_to_its_definition() -> None:
    root = etree.fromstring(etree.tostring(description("http://host/wcs")))
    own = root.get("targetNamespace")
    names = {(child.tag, f"{{{own}}}{child.get('name')}") for child in root}
    wanted = {"message": "message", "binding": "binding", "type": "portType"}
    referred = [
        (f"{WSDL}{wanted[attribute]}", _expanded(element, value))
        for element in root.iter()
        for attribute, value in element.attrib.items()
        if attribute in wanted
    ]
    assert len(referred) == 11 and set(referred) <= names


def test_port_and_binding_have_the_same_operations_and_elements_are_of_the_schemas() -> None:
    root = etree.fromstring(etree.tostring(description("http://host/wcs")))
    operations = [
        [o.get("name") for o in root.find(f"{WSDL}{part}").iter(f"{WSDL}operation")] for part in ("portType", "binding")
    ]
    assert operations[0] == operations[1] and len(operations[0]) == 3
    elements = {_expanded(part, part.get("element")) for part in root.iter(f"{WSDL}part")}
    assert elements == {
        "{http://www.opengis.net/wcs/2.0}GetCapabilities", "{http://www.opengis.net/wcs/2.0}Capabilities",
        "{http://www.opengis.net/wcs/2.0}DescribeCoverage", "{http://www.opengis.net/wcs/2.0}CoverageDescriptions",
        "{http://www.opengis.net/wcs/2.0}GetCoverage", "{http://www.opengis.net/gmlcov/1.0}AbstractCoverage",
        "{http://www.opengis.net/ows/2.0}ExceptionReport",
    }  # fmt: skip


def test_it_is_served_at_each_endpoint() -> None:
    for path in ("/wcs", "/services/s-1/wcs"):
        for name in ("wsdl", "WSDL"):
            response = get((name, ""), path=path)
            assert (response.status_code, response.headers["content-type"]) == (200, "text/xml")
            root = etree.fromstring(response.content)
            assert [e.get("location") for e in root.iter(f"{SOAP}address")] == [f"http://host:81{path}"]


def _expanded(element: etree._Element, name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{element.nsmap[prefix]}}}{local}"
