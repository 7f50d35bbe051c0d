"""WMS exceptions, in process, and requests of all kinds. Names such as getmap:invalid-layer are those of the assertions
of OGC's test suite for WMS 1.3.0.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.unit.wms.asking import INFO, ask, assert_report, get_map, picture, service


@pytest.mark.parametrize(
    ("changes", "code", "locator"),
    [
        ({"LAYERS": "j-none"}, "LayerNotDefined", "LAYERS"),  # getmap:invalid-layer
        ({"LAYERS": "j-none,j-x"}, "LayerNotDefined", "LAYERS"),  # getmap:first-layer-invalid
        ({"LAYERS": "j-x,j-none"}, "LayerNotDefined", "LAYERS"),  # getmap:second-layer-invalid
        ({"STYLES": "pretty"}, "StyleNotDefined", "STYLE"),  # getmap:invalid-style
        ({"LAYERS": "j-x,j-v", "STYLES": "green,pretty"}, "StyleNotDefined", "STYLE"),  # getmap:second-style-invalid
        ({"STYLES": "default,default"}, "StyleNotDefined", "STYLES"),
        ({"CRS": "EPSG:1"}, "InvalidCRS", "CRS"),  # getmap:invalid-crs
        ({"FORMAT": "image/bogus"}, "InvalidFormat", "FORMAT"),  # getmap:invalid-format
        ({"FORMAT": "image/tiff"}, "InvalidFormat", "FORMAT"),
        ({"BBOX": "5,5,5,9"}, "InvalidParameterValue", "BBOX"),
        ({"WIDTH": "8193"}, "InvalidParameterValue", "WIDTH"),
        ({"VERSION": None}, "MissingParameterValue", "VERSION"),  # getmap:no-version
        ({"SERVICE": "WFS"}, "InvalidParameterValue", "SERVICE"),
        ({"REQUEST": "DescribeLayer"}, "OperationNotSupported", "REQUEST"),
        ({"SLD": "http://127.0.0.1/x.sld"}, "InvalidParameterValue", "SLD"),
    ],
)
def test_exceptions_say_what_is_wrong(changes: dict[str, str | None], code: str, locator: str) -> None:
    """getmap:exceptions-xml."""
    assert_report(get_map(EXCEPTIONS="XML", **changes), code, locator)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"SRS": "EPSG:1"}, "InvalidSRS"),
        ({"LAYERS": "j-none"}, "LayerNotDefined"),
        ({"REQUEST": "GetFeatureInfo", "X": "999", "Y": "1"}, "InvalidPoint"),
    ],
)
def test_exceptions_of_the_older_version(changes: dict[str, str], code: str) -> None:
    old = {**INFO, "VERSION": "1.1.1", "REQUEST": "GetMap", "SRS": "EPSG:32632", **changes}
    response = ask(old)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/vnd.ogc.se_xml")
    assert b"<!DOCTYPE ServiceExceptionReport SYSTEM" in response.content
    root = etree.fromstring(response.content)
    assert (root.tag, root.get("version"), dict(root[0].attrib)) == ("ServiceExceptionReport", "1.1.1", {"code": code})


@pytest.mark.parametrize("version", ["1.3.0", "1.1.1"])
def test_exceptions_in_the_picture(version: str) -> None:
    """getmap:exceptions-inimage-mime, interactive:exceptions-inimage."""
    name = "INIMAGE" if version == "1.3.0" else "application/vnd.ogc.se_inimage"
    pixels = picture(LAYERS="j-none", VERSION=version, SRS="EPSG:32632", EXCEPTIONS=name)
    assert pixels.shape == (250, 250, 4)
    assert 50 < np.count_nonzero(pixels[..., 3]) < 5000
    response = get_map(LAYERS="j-none", EXCEPTIONS="INIMAGE", FORMAT="image/jpeg")
    assert (response.status_code, response.headers["content-type"]) == (200, "image/jpeg")
    assert response.headers["cache-control"] == "no-store"


def test_exceptions_as_an_empty_picture() -> None:
    """getmap:exceptions-blank-red, exceptions-blank-transparent, exceptions-blank-mime."""
    wrong = {"STYLES": "pretty", "EXCEPTIONS": "BLANK"}
    assert not picture(**wrong)[..., 3].any()
    red = picture(**wrong, TRANSPARENT="FALSE", BGCOLOR="0xFF0000")
    assert (red == [255, 0, 0, 255]).all()


def test_an_exception_in_a_picture_without_size_is_a_document() -> None:
    assert_report(get_map(WIDTH="x", EXCEPTIONS="BLANK"), "InvalidParameterValue", "WIDTH")


def test_other_methods_are_not_there() -> None:
    assert_report(service().get(method="DELETE"), "OperationNotSupported", None, 405)


words = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", ",", "j-x", "j-time", "j-x,j-v", "default", "EPSG:4326", "CRS:84", "EPSG:3857", "AUTO2:42001,1,0,0",
         "1.1.1", "0,0,1,1", "-1e300,-1e300,1e300,1e300", "0,0,1e-300,1e-300", "-180,-90,180,90", "image/png",
         "image/jpeg", "7", "2017-01-05", "2017/2018", "0001-01-01/9999-12-31", "9999-12-31", "current", "INIMAGE",
         "BLANK", "TRUE", "json", "GetMap", "GetFeatureInfo", "GetLegendGraphic", "0x00FF00"]
    ),
)  # fmt: skip
names = st.sampled_from(
    [*INFO, "SRS", "X", "Y", "TIME", "BGCOLOR", "EXCEPTIONS", "FEATURE_COUNT", "LAYER", "STYLE", "SLD", "SLD_BODY",
     "UPDATESEQUENCE", "WMTVER"]
)  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["GetMap", "GetFeatureInfo", "GetLegendGraphic", "GetStyles"]),
    st.dictionaries(names, words, max_size=4),
)
def test_whatever_is_sent_is_answered(request: str, changes: dict[str, str]) -> None:
    response = ask({**INFO, "WIDTH": "20", "HEIGHT": "20", "REQUEST": request, "LAYER": "j-x", **changes})
    assert response.status_code < 500, (changes, response.text)
    assert "Traceback" not in response.text
    if "xml" in response.headers["content-type"]:
        etree.fromstring(response.content)
