"""Requests to the map service of :mod:`tests.unit.wms.fakes`, and what their answers have in common."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import httpx

from tests.unit.wms.fakes import Service, rgba
from tests.xsd import assert_valid

MAP = {
    "SERVICE": "WMS", "VERSION": "1.3.0", "REQUEST": "GetMap", "LAYERS": "j-place", "STYLES": "", "CRS": "EPSG:32632",
    "BBOX": "600000,5195000,605000,5200000", "WIDTH": "250", "HEIGHT": "250", "FORMAT": "image/png",
    "TRANSPARENT": "TRUE",
}  # fmt: skip
INFO = MAP | {
    "REQUEST": "GetFeatureInfo", "QUERY_LAYERS": "j-place", "INFO_FORMAT": "application/json", "I": "7", "J": "3",
}  # fmt: skip


@lru_cache(maxsize=1)
def service() -> Service:
    return Service()


def ask(pairs: dict[str, str], headers: dict[str, str] | None = None, **changes: str | None) -> httpx.Response:
    params = {key: value for key, value in (pairs | changes).items() if value is not None}
    return service().get(params=params, headers=headers or {})


def get_map(**changes: str | None) -> httpx.Response:
    return ask(MAP, **changes)


def picture(**changes: str | None) -> Any:
    response = get_map(**changes)
    assert response.headers["content-type"] == "image/png", response.text
    return rgba(response.content).astype(int)


def assert_report(response: httpx.Response, code: str, locator: str | None, status: int = 200) -> None:
    """getmap:exceptions-default, getfeatureinfo:exceptions-default."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "text/xml"  # without charset: QGIS
    root = assert_valid(response.content, "wms/1.3.0/exceptions_1_3_0.xsd")
    assert (root[0].get("code", ""), root[0].get("locator")) == (code, locator), response.text
