"""What the tile addresses of a service share, for those protocols that know a service, not layers: XYZ and TMS."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ogcserver.encode.style_args import DEFAULT_STYLE
from ogcserver.errors import InvalidParameter, ServiceNotFound
from ogcserver.geo.matrix_sets import DENSITIES, WEB_MERCATOR
from ogcserver.jobs.access import Caller
from ogcserver.jobs.layers import Endpoints, Layer
from ogcserver.maps.picture import picture_type
from ogcserver.maps.tiles import TileAsk
from ogcserver.maps.times import time_parameter
from ogcserver.ows.kvp import Kvp, integer

_LAST = re.compile(r"(?P<y>[^@.]*)(?:@(?P<density>\d)x)?(?:\.(?P<extension>.*))?")
_DEFAULT_TYPE = "image/png"


@dataclass(frozen=True)
class TileName:
    """The numbers of a tile of WebMercatorQuad, as an address has them."""

    z: str
    x: int
    y: int
    density: int
    """1, 2 or 4: pixels along an edge by 256."""
    media_type: str

    @classmethod
    def of(cls, parts: Mapping[str, str]) -> TileName:
        """The tile of the parts ``z``, ``x`` and ``y`` of an address, the last one such as ``722@2x.webp``.

        Raises:
            InvalidParameter: no numbers, or no such pictures.
        """
        last = _LAST.fullmatch(parts["y"])
        if last is None:
            raise InvalidParameter(f"{parts['y'][:40]!r} is not a row", locator="y")
        kvp = Kvp(
            [("z", parts["z"]), ("x", parts["x"]), *((key, value or "") for key, value in last.groupdict().items())]
        )
        density = kvp.optional("density", integer) or 1
        if density not in (1, *DENSITIES):
            raise InvalidParameter(f"tiles are had with @2x or @4x, not @{density}x", locator="y")
        media_type = kvp.optional("extension", picture_type) or _DEFAULT_TYPE
        return cls(kvp.one("z", str), kvp.one("x", integer), kvp.one("y", integer), density, media_type)

    def ask(self, row: int, style: str, time: str | None) -> TileAsk:
        matrix_set = WEB_MERCATOR if self.density == 1 else f"{WEB_MERCATOR}@{self.density}x"
        return TileAsk(matrix_set, self.z, row, self.x, style, self.media_type, time)


@dataclass(frozen=True)
class Look:
    """What the query of a tile may say; everything else in it is ignored."""

    style: str = DEFAULT_STYLE
    time: str | None = None
    bands: tuple[str, ...] = ()

    @classmethod
    def of(cls, query: Iterable[tuple[str, str]]) -> Look:
        """
        Raises:
            InvalidParameter: the time cannot be read.
        """
        kvp = Kvp(query)
        style = kvp.optional("style", str) or DEFAULT_STYLE
        return cls(style, kvp.optional("time", time_parameter), kvp.listed("bands"))

    def on(self, layer: Layer) -> Layer:
        """The layer with the bands of this look in place of its own, if it names any; one range for all bands stays.

        Raises:
            InvalidParameter: no such band.
        """
        if not self.bands:
            return layer
        kept = {"rescale": layer.args["rescale"]} if _is_range(layer.args.get("rescale")) else {}
        return replace(layer, args={**kept, "bands": [_band(layer, name) for name in self.bands]})


def _is_range(found: object) -> bool:
    return isinstance(found, list) and len(found) == 2 and all(isinstance(end, (int, float)) for end in found)


def _band(layer: Layer, text: str) -> str:
    """The name of a band that is given by its name or by its number, counted from 1."""
    names = [band.name for band in layer.description.bands]
    if text in names:
        return text
    if re.fullmatch("[0-9]{1,6}", text) and 1 <= int(text) <= len(names):
        return names[int(text) - 1]
    raise InvalidParameter(f"there is no band {text[:40]!r}; there are {', '.join(names)}", locator="bands")


async def layer_of(endpoints: Endpoints, service_id: str, service_type: str, caller: Caller) -> Layer:
    """The one layer of a service.

    Raises:
        ServiceNotFound: no such service for the caller, or its job cannot be shown now.
        CredentialsMissing: no such service that is public, and the caller has not signed in.
    """
    layers = await (await endpoints.of_service(service_id, service_type, caller)).all()
    if not layers:  # left out because its sources are away
        raise ServiceNotFound(f"the job of service {service_id} cannot be shown now")
    return layers[0]
