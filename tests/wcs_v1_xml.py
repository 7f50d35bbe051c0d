"""Requests of WCS 1.0.0 and 1.1 in XML, for tests."""

from __future__ import annotations

GML = 'xmlns:gml="http://www.opengis.net/gml"'
WCS_10 = f'xmlns="http://www.opengis.net/wcs" {GML}'


def request10(operation: str, content: str = "", version: str = "1.0.0", more: str = "") -> str:
    """The element of an operation of 1.0.0."""
    numbered = f' version="{version}"' if version else ""
    return f'<{operation} {WCS_10} service="WCS"{numbered}{more}>{content}</{operation}>'


def coverage10(
    identifier: str, box: str = "600000 5198000,603000 5200000", size: tuple[int, int] = (30, 20),
    crs: str = "EPSG:32632", times: str = "", bands: str = "", more: str = "", output: str = "<format>GTiff</format>",
) -> str:  # fmt: skip
    """A GetCoverage.

    Args:
        box: two corners, each of two numbers.
        times: elements of the temporalSubset.
        bands: elements of an axisSubset.
        more: elements before the output.
    """
    corners = "".join(f"<gml:pos>{corner}</gml:pos>" for corner in box.split(","))
    limits = f"<gml:low>0 0</gml:low><gml:high>{size[0] - 1} {size[1] - 1}</gml:high>"
    return request10(
        "GetCoverage",
        f"<sourceCoverage>{identifier}</sourceCoverage>"
        f'<domainSubset><spatialSubset><gml:Envelope srsName="{crs}">{corners}</gml:Envelope>'
        f'<gml:Grid dimension="2"><gml:limits><gml:GridEnvelope>{limits}</gml:GridEnvelope></gml:limits>'
        "<gml:axisName>x</gml:axisName><gml:axisName>y</gml:axisName></gml:Grid></spatialSubset>"
        + (f"<temporalSubset>{times}</temporalSubset>" if times else "")
        + "</domainSubset>"
        + (f'<rangeSubset><axisSubset name="bands">{bands}</axisSubset></rangeSubset>' if bands else "")
        + f"{more}<output>{output}</output>",
    )


def request11(operation: str, content: str = "", version: str = "1.1.2", namespace: str = "1.1", more: str = "") -> str:
    """The element of an operation of 1.1."""
    spaces = f'xmlns="http://www.opengis.net/wcs/{namespace}" xmlns:ows="http://www.opengis.net/ows/1.1" {GML}'
    numbered = f' version="{version}"' if version else ""
    return f'<{operation} {spaces} service="WCS"{numbered}{more}>{content}</{operation}>'


def coverage11(
    identifier: str, lower: str, upper: str, crs: str = "urn:ogc:def:crs:EPSG::32632", times: str = "",
    fields: str = "", grid: str = "", output: str = 'format="image/tiff"', **version: str,
) -> str:  # fmt: skip
    """A GetCoverage.

    Args:
        times: elements of the TemporalSubset.
        fields: FieldSubsets.
        grid: elements of the GridCRS.
        output: attributes.
    """
    return request11(
        "GetCoverage",
        f"<ows:Identifier>{identifier}</ows:Identifier>"
        f'<DomainSubset><ows:BoundingBox crs="{crs}"><ows:LowerCorner>{lower}</ows:LowerCorner>'
        f"<ows:UpperCorner>{upper}</ows:UpperCorner></ows:BoundingBox>"
        + (f"<TemporalSubset>{times}</TemporalSubset>" if times else "")
        + "</DomainSubset>"
        + (f"<RangeSubset>{fields}</RangeSubset>" if fields else "")
        + f"<Output {output}>"
        + (f"<GridCRS>{grid}</GridCRS>" if grid else "")
        + "</Output>",
        **version,
    )
