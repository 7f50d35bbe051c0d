"""What a client asks, as values. Source: OGC 07-057r7 clauses 7.1 (GetCapabilities) and 7.2 (GetTile)."""

from __future__ import annotations

from dataclasses import dataclass

from ogcserver.errors import UnsupportedOperation, UnsupportedVersion
from ogcserver.maps.picture import picture_type
from ogcserver.maps.times import time_parameter
from ogcserver.ows.kvp import Kvp, choice, integer

VERSION = "1.0.0"
SECTIONS = ("ServiceIdentification", "ServiceProvider", "OperationsMetadata", "Contents")


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
    style: str
    format: str
    """Media type."""
    matrix_set: str
    matrix: str
    row: int
    col: int
    time: str | None = None
    """As the client wrote it; None for the default."""

    @classmethod
    def from_kvp(cls, kvp: Kvp) -> GetTile:
        """
        Raises:
            MissingParameter: a parameter is absent.
            InvalidParameter: a parameter cannot be read.
        """
        kvp.one("VERSION", choice(VERSION))
        return cls.from_address(kvp)

    @classmethod
    def from_address(cls, kvp: Kvp) -> GetTile:
        """The tile that the parts of a resource address name, here as pairs with the names of the KVP encoding.

        Raises:
            MissingParameter, InvalidParameter: as :meth:`from_kvp`.
        """
        return cls(
            kvp.one("LAYER", str),
            kvp.one("STYLE", str),
            kvp.one("FORMAT", picture_type),
            kvp.one("TileMatrixSet", str),
            kvp.one("TileMatrix", str),
            kvp.one("TileRow", integer),
            kvp.one("TileCol", integer),
            kvp.optional("TIME", time_parameter),
        )


def operation(kvp: Kvp) -> str:
    """The operation that a request names.

    Raises:
        MissingParameter: no SERVICE or REQUEST.
        InvalidParameter: another service.
        UnsupportedOperation: no such operation; the locator is its name (OGC 06-121r3 table 25).
    """
    kvp.one("SERVICE", choice("WMTS"))
    name = kvp.one("REQUEST", str)
    for known in ("GetCapabilities", "GetTile"):
        if known.lower() == name.lower():
            return known
    raise UnsupportedOperation(f"there is no operation {name[:40]!r}: ask for GetCapabilities or GetTile", locator=name)
