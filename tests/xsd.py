"""Validates documents against the published XML schemas in ``<repo>/../shared/ogc-schemas``, without network."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path

import pytest
from lxml import etree

_REMOTE = re.compile(r"https?://(www\.w3\.org|schemas\.opengis\.net)/(.+)")
_XLINK_MOVED = "http://www.w3.org/1999/xlink.xsd"


def schema_folder() -> Path:
    """The folder that holds ``schemas.opengis.net`` and ``www.w3.org``; skips the test where there is none."""
    default = Path(__file__).resolve().parents[2] / "shared" / "ogc-schemas"
    folder = Path(os.environ.get("OGC_SCHEMAS", default))
    if not folder.is_dir():
        pytest.skip(f"no OGC schemas in {folder} (or set OGC_SCHEMAS)")
    return folder


class _Local(etree.Resolver):
    """Finds published schemas in a folder and refuses everything else that is remote."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def resolve(self, url: str, pubid: str, context: object) -> object:
        if not (match := _REMOTE.match(url)):
            return None
        host, path = match.groups()
        # xlink moved to w3.org: both addresses must give one file, or its names are declared twice
        path = "1999/xlink.xsd" if path.endswith("xlink/1.0.0/xlinks.xsd") else path
        host = "www.w3.org" if path == "1999/xlink.xsd" else host
        file = self.folder / host / path
        if not file.is_file():
            raise AssertionError(f"the schema {url} is not in {self.folder}")
        return self.resolve_filename(str(file), context)


@lru_cache(maxsize=32)
def _schema(folder: Path, name: str) -> etree.XMLSchema:
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(_Local(folder))
    return etree.XMLSchema(etree.parse(str(folder / "schemas.opengis.net" / name), parser))


def assert_valid(document: bytes, schema: str) -> etree._Element:
    """The parsed document, which must follow a schema such as ``wcs/2.0/wcsDescribeCoverage.xsd``."""
    xsd = _schema(schema_folder(), schema)
    root = etree.fromstring(document)
    if not xsd.validate(root):
        raise AssertionError("\n".join(f"line {e.line}: {e.message}" for e in xsd.error_log))
    return root
