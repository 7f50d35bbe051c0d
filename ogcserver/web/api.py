"""The map page: ``/map``, the layers that it lists, and Leaflet from the package XStatic-Leaflet.

The page finds everything by relative addresses (its tiles under ``wmts/``), so it works behind any proxy, and loads
nothing from other hosts.
"""

from __future__ import annotations

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from ogcserver.jobs.access import caller_of
from ogcserver.jobs.layers import Endpoints, Layer
from ogcserver.maps.styles import styles_of

_POLICY = (
    "default-src 'self'; img-src 'self' data:; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'"
)
"""Content-Security-Policy: nothing from elsewhere. The page's own script and styles are part of it."""


class MapPage:
    """
    Args:
        endpoints: finds the layers of the root.
    """

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._html = files(__package__).joinpath("map.html").read_text("utf-8")

    def routes(self) -> list[BaseRoute]:
        """For the server's application, whose exception handlers answer for :meth:`layers`."""
        leaflet = StaticFiles(packages=[("xstatic.pkg.leaflet", "data")])
        return [
            Route("/map", self.page),
            Route("/map/layers.json", self.layers),
            Mount("/map/leaflet", leaflet),
        ]

    async def page(self, request: Request) -> Response:
        return HTMLResponse(self._html, headers={"content-security-policy": _POLICY, "cache-control": "no-cache"})

    async def layers(self, request: Request) -> Response:
        """What the page has to know of each layer, the newest job first. It shows texts as text, never as HTML."""
        layers = await self._endpoints.root(caller_of(request)).all()
        return JSONResponse([_described(layer) for layer in reversed(layers)], headers={"cache-control": "no-cache"})


def _described(layer: Layer) -> dict[str, object]:
    return {
        "id": layer.id,
        "title": layer.title or layer.id,
        "abstract": layer.abstract,
        "boxes": layer.description.boxes,
        "times": [label.partition("/")[0] for label in layer.description.times],
        "interval": layer.description.interval,
        "styles": [{"name": style.name, "title": style.title or style.name} for style in styles_of(layer)],
    }
