"""What the operator says of the service is what capabilities say (ets-wms13: service-keywords, -contact-info)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from ogcserver.app import create_app
from ogcserver.ows.identification import Identification
from ogcserver.settings import Server, Settings, SettingsError, Tiles

CAPABILITIES = (
    "/wms?service=WMS&request=GetCapabilities",
    "/wmts?service=WMTS&request=GetCapabilities",
    "/wcs?service=WCS&request=GetCapabilities",
    "/wcs?service=WCS&request=GetCapabilities&version=1.1.1",
    "/wcs?service=WCS&request=GetCapabilities&version=1.0.0",
)


def test_every_protocol_names_those_who_run_the_service(tmp_path: Path) -> None:
    who = Identification(title="Maps of X", keywords=("ndvi", "snow"), provider="Office of X", contact="A. Person")
    app = create_app(replace(Settings(), server=Server(data_dir=tmp_path), service=who))

    async def texts() -> list[str]:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
        ):
            return [(await client.get(address)).text for address in CAPABILITIES]

    for text in asyncio.run(texts()):
        for part in ("Maps of X", "ndvi", "snow", "Office of X", "A. Person"):
            assert part in text


@pytest.mark.parametrize("formats", [(), ("png", "gif"), ("image/png",)])
def test_formats_that_pictures_do_not_have_stop_the_start(tmp_path: Path, formats: tuple[str, ...]) -> None:
    settings = replace(Settings(), server=Server(data_dir=tmp_path), tiles=Tiles(formats=formats))
    with pytest.raises(SettingsError, match=r"\[tiles\] formats must be some of png, jpg, webp, avif"):
        create_app(settings)
