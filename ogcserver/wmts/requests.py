"""What a client asks, as values.

Source: OGC 07-057r7 clauses 7.1 (GetCapabilities), 7.2 (GetTile) and 7.3 (GetFeatureInfo).
"""

from __future__ import annotations

from dataclasses import dataclass

from ogcserver.errors import InvalidParameter, UnsupportedVersion
from ogcserver.maps.info import info_type
from ogcserver.maps.picture import picture_type
from ogcserver.maps.tiles import TileAsk
from ogcserver.maps.times import time_parameter
from ogcserver.ows.kvp import Kvp, choice, integer

VERSION = "1.0.0"
SECTIONS = ("ServiceIdentification", "ServiceProvider", "OperationsMetadata", "Contents")
OPERATIONS = ("GetCapabilities", "GetTile", "GetFeatureInfo")
INFO_EXTENSIONS = {
    "application/json": "json",
    "text/html": "html",
    "text/plain": "txt",
    "application/vnd.ogc.gml": "gml",
}
"""Media types of values under a pixel, and the extension that stands for each in addresses."""


@dataclass(frozen=True)
class GetCapabilities:
    """Source: 07-057r7 clause 7.1.1; OGC 06-121r3 clause 7.2."""

    sections: tuple[str, ...] = SECTIONS

    @classmethod
    def from_kvp(cls, kvp: Kvp) -> GetCapabilities:
        """
        Raises:
            UnsupportedVersion: the client accepts none that is spoken here.
            InvalidParameter: an unknown section.
        """
        accepted = kvp.listed("AcceptVersions")
        if accepted and VERSION not in accepted:
            raise UnsupportedVersion(f"WMTS {VERSION} is spoken here")
        named = choice(*SECTIONS, "Themes", "All")
        asked = kvp.optional("Sections", lambda text: {named(part.strip()) for part in text.split(",") if part.strip()})
        if not asked or "All" in asked:
            return cls()
        return cls(tuple(section for section in SECTIONS if section in asked))


@dataclass(frozen=True)
class GetTile:
    """One tile of one layer. Source: 07-057r7 clause 7.2.1."""

    layer: str
    tile: TileAsk

    @classmethod
    def from_kvp(cls, kvp: Kvp) -> GetTile:
        """
        Raises:
            MissingParameter: a parameter is absent.
            InvalidParameter: a parameter cannot be read.
        """
        return cls(
            kvp.one("LAYER", str),
            TileAsk(
                style=kvp.one("STYLE", str),
                media_type=kvp.one("FORMAT", picture_type),
                matrix_set=kvp.one("TileMatrixSet", str),
                matrix=kvp.one("TileMatrix", str),
                row=kvp.one("TileRow", integer),
                col=kvp.one("TileCol", integer),
                time=kvp.optional("TIME", time_parameter),
            ),
        )


@dataclass(frozen=True)
class GetFeatureInfo:
    """The values under one pixel of a tile. Source: 07-057r7 clause 7.3.1."""

    ask: GetTile
    i: int
    """Column in the tile, from the west."""
    j: int
    """Row in the tile, from the north."""
    info_format: str
    """Media type."""
    all_times: bool
    """Whether the values of every observation are wanted: those of a client that names no time."""

    @classmethod
    def from_kvp(cls, kvp: Kvp) -> GetFeatureInfo:
        """
        Raises:
            MissingParameter, InvalidParameter: as :meth:`GetTile.from_kvp`.
        """
        i, j, info_format = kvp.one("I", integer), kvp.one("J", integer), kvp.one("InfoFormat", info_type)
        return cls(GetTile.from_kvp(kvp), i, j, info_format, "TIME" not in kvp)


Operation = GetCapabilities | GetTile | GetFeatureInfo


def operation(kvp: Kvp) -> Operation:
    """What a request asks for. An empty STYLE is the default one, as in WMS.

    Raises:
        MissingParameter: no SERVICE or REQUEST, or a parameter of the operation is absent.
        InvalidParameter: another service or operation, or a parameter cannot be read.
        UnsupportedVersion: the client accepts none that is spoken here.
    Source: the test Server.KVP.GET.InvalidRequest of OGC's suite for WMTS 1.0 wants InvalidParameterValue for an
        unknown operation, though OGC 06-121r3 table 25 has OperationNotSupported.
    """
    kvp.one("SERVICE", choice("WMTS"))
    name = kvp.one("REQUEST", choice(*OPERATIONS))
    if name == "GetCapabilities":
        return GetCapabilities.from_kvp(kvp)
    kvp.one("VERSION", choice(VERSION))
    return GetTile.from_kvp(kvp) if name == "GetTile" else GetFeatureInfo.from_kvp(kvp)


_TILE = ("TileMatrixSet", "TileMatrix", "TileRow", "TileCol")


def resource(layer: str, style: str, path: str) -> GetTile | GetFeatureInfo:
    """What the address of a resource names: ``[{time}/]{set}/{matrix}/{row}/{col}.{ext}``, or with ``/{J}/{I}``.

    A time may hold slashes, as intervals do.

    Raises:
        InvalidParameter: a part cannot be read, or parts are missing.
    """
    address, _, extension = path.rpartition(".")
    info = next((media_type for media_type, known in INFO_EXTENSIONS.items() if known == extension.lower()), "")
    names = (*_TILE, "J", "I") if info else _TILE
    formats = [("FORMAT", "image/png"), ("InfoFormat", info)] if info else [("FORMAT", extension)]
    pairs = [("LAYER", layer), ("STYLE", style), *formats]
    parts = address.split("/")
    if len(parts) < len(names):
        raise InvalidParameter(f"an address of a tile ends in {'/'.join(names)}.extension", locator=names[0])
    pairs += [*zip(names, parts[-len(names) :], strict=True), ("TIME", "/".join(parts[: -len(names)]))]
    kvp = Kvp(pairs)
    return GetFeatureInfo.from_kvp(kvp) if info else GetTile.from_kvp(kvp)
