"""Addresses that catalogues name: made absolute, and refused where a catalogue has no business.

A *location* is an absolute local path or an http(s) or s3 address. What a catalogue from the network says must not make
the server open local files, and no catalogue may name one of GDAL's drivers or virtual file systems.
"""

from __future__ import annotations

import os.path
import re
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from ogcserver.errors import OgcServerError

_SCHEME = re.compile(r"^(?P<scheme>[A-Za-z][\w+.-]*):")
_REMOTE_SCHEMES = frozenset({"http", "https", "s3"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST = 8192


class HrefError(OgcServerError):
    """A catalogue names something that it may not name, or that is no address."""


def is_remote(location: str) -> bool:
    """Whether a location lies on the network."""
    match = _SCHEME.match(location)
    return match is not None and match["scheme"].lower() in _REMOTE_SCHEMES


def is_http(location: str) -> bool:
    return location.lower().startswith(("http://", "https://"))


def local_location(path: str) -> str:
    """The absolute path of a local path or file:// address."""
    return os.path.normpath(Path.cwd() / (_path_of_url(path) if path.lower().startswith("file:") else path))


def resolve(href: object, base: str) -> str:
    """The location that ``href`` means inside of the document at location ``base``.

    Raises:
        HrefError: not an address; a GDAL driver, connection string or virtual file system; or a local file named by
            a document from the network.
    """
    if not isinstance(href, str) or not href.strip() or len(href) > _LONGEST or _CONTROL.search(href):
        raise HrefError(f"{str(href)[:80]!r} is not an address")
    href = href.strip()
    if href.startswith("<") or "<vrtdataset" in href.lower() or href.lower().startswith(("/vsi", "\\\\")):
        raise HrefError(f"{href[:80]!r} is not a plain address")
    match = _SCHEME.match(href)
    if match and match["scheme"].lower() not in _REMOTE_SCHEMES | {"file"}:
        raise HrefError(f"{href[:80]!r}: only http, https, s3 and file addresses may be named")
    try:
        location = _join(href, base, match["scheme"].lower() if match else "")
    except ValueError as error:  # such as half an IPv6 address
        raise HrefError(f"{href[:80]!r} is not an address") from error
    if location.lower().lstrip("/").startswith("vsi") or _CONTROL.search(location):
        raise HrefError(f"{href[:80]!r} leads into a virtual file system, or is no path")
    return location


def _join(href: str, base: str, scheme: str) -> str:
    if scheme in _REMOTE_SCHEMES:
        if not urlsplit(href).netloc:
            raise HrefError(f"{href[:80]!r} names no host")
        return href
    if is_remote(base):
        joined = "" if scheme else urljoin(base, href)
        if not is_remote(joined):
            raise HrefError(f"{href[:80]!r}: a catalogue on the network may not name local files")
        return joined
    if scheme:
        return os.path.normpath(_path_of_url(href))
    return os.path.normpath(href if href.startswith("/") else f"{base.rpartition('/')[0]}/{href}")


def _path_of_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise HrefError(f"{url[:80]!r} names another machine, or no absolute path")
    return unquote(parts.path)
