"""Process graphs on other hosts, fetched only from those that the operator lists.

Every address is checked before a connection is made, after redirects too: the host must be listed, and the connection
goes to the very network address that was checked, so that a name cannot mean something else a moment later. Names that
lead into private networks are refused unless that network address is listed itself.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3

from ogcserver.errors import ArgumentInvalid, GraphError, GraphInvalid, GraphTooLarge, SourceUnavailable
from ogcserver.graph.limits import GraphLimits, loads

_REDIRECTS = 3
_CHUNK = 1 << 16
_PORTS = {"http": 80, "https": 443}

Resolve = Callable[[str, int], list[str]]
"""(host, port) -> network addresses."""


def resolve(host: str, port: int) -> list[str]:
    """Raises OSError: there is no such host."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True)
class _Target:
    """A connection that may be made."""

    scheme: str
    host: str
    port: int
    address: str
    path: str


@dataclass(frozen=True, eq=False)
class OutsideGraphs:
    """Fetches graphs. Blocks; thread-safe.

    Args:
        hosts: as in addresses: a name or a network address, with a port unless it is the usual one.
        timeout_s: for all of one graph, redirects included.
        most: graphs that one request may name.
    """

    hosts: tuple[str, ...] = ()
    limits: GraphLimits = field(default_factory=GraphLimits)
    timeout_s: float = 10.0
    most: int = 10
    resolve: Resolve = resolve

    def visit(self) -> Visit:
        """For compiling one graph."""
        return Visit(self)

    def graph(self, uri: str) -> Mapping[str, Any]:
        """The graph at an address, or the member ``process_graph`` of the object there.

        Raises:
            ArgumentInvalid: the address is not one that graphs may be fetched from.
            GraphError: what is there is no JSON object, or too large.
            SourceUnavailable: the host does not answer, or with an error.
        """
        try:
            content = loads(self._fetch(uri, time.monotonic() + self.timeout_s), self.limits)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise SourceUnavailable(f"the graph at {uri[:200]} cannot be fetched: {type(error).__name__}") from error
        except GraphError as error:
            raise type(error)(f"the graph at {uri[:200]}: {error.message}") from error
        graph = content.get("process_graph", content) if isinstance(content, dict) else None
        if not isinstance(graph, dict):
            raise GraphInvalid(f"what is at {uri[:200]} is no process graph")
        return graph

    def _fetch(self, uri: str, deadline: float) -> bytes:
        for _ in range(_REDIRECTS + 1):
            target = self._target(uri)
            with _request(target, deadline) as response:
                location = response.get_redirect_location()
                if not location:
                    if response.status != 200:
                        raise SourceUnavailable(f"the graph at {uri[:200]} cannot be fetched: status {response.status}")
                    return self._read(response, uri, deadline)
            uri = urljoin(uri, location)
        raise SourceUnavailable(f"the graph cannot be fetched: {_REDIRECTS} redirects lead to yet another, {uri[:200]}")

    def _read(self, response: urllib3.BaseHTTPResponse, uri: str, deadline: float) -> bytes:
        found = bytearray()
        for chunk in response.stream(_CHUNK, decode_content=False):
            found += chunk
            if len(found) > self.limits.max_bytes:
                raise GraphTooLarge(f"it has more than the {self.limits.max_bytes} bytes that are allowed")
            if time.monotonic() > deadline:
                raise SourceUnavailable(f"the graph at {uri[:200]} takes too long")
        return bytes(found)

    def _target(self, uri: str) -> _Target:
        """
        Raises:
            ArgumentInvalid: the operator has not listed the host, or it is not where it should be.
            OSError: there is no such host.
        """
        try:
            parts = urlsplit(uri)
            host, usual = (parts.hostname or "").rstrip("."), _PORTS[parts.scheme]
            port = parts.port or usual
        except (ValueError, KeyError) as error:
            raise ArgumentInvalid(f"{uri[:200]!r} is no http or https address") from error
        written = f"[{host}]" if ":" in host else host
        if (written if port == usual else f"{written}:{port}") not in self.hosts or parts.username is not None:
            there_are = ", ".join(self.hosts) or "none"
            message = f"graphs may be fetched from hosts that the operator lists ({there_are}), not from {host[:80]!r}"
            raise ArgumentInvalid(message)
        addresses = self.resolve(host, port)
        if not addresses or not all(map(self._allowed, addresses)):
            raise ArgumentInvalid(f"the host {host[:80]!r} leads into a private network")
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        return _Target(parts.scheme, host, port, addresses[0], path)

    def _allowed(self, address: str) -> bool:
        found = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
            found = found.ipv4_mapped
        listed = {host.partition(":")[0] for host in self.hosts if not host.startswith("[")}
        listed |= {host[1:].partition("]")[0] for host in self.hosts if host.startswith("[")}
        return (found.is_global and not found.is_multicast) or str(found) in listed


@dataclass(eq=False)
class Visit:
    """The outside graphs of one compilation: each is fetched once, and not too many."""

    outside: OutsideGraphs
    found: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def graph(self, uri: str) -> Mapping[str, Any]:
        """
        Raises:
            GraphTooLarge: one more than may be fetched; and see :meth:`OutsideGraphs.graph`.
        """
        if uri not in self.found:
            if len(self.found) >= self.outside.most:
                raise GraphTooLarge(f"a graph may use at most {self.outside.most} graphs of other hosts")
            self.found[uri] = self.outside.graph(uri)
        return self.found[uri]


def _request(target: _Target, deadline: float) -> urllib3.BaseHTTPResponse:
    """The answer, its body unread, from the address that was checked; a certificate must be that of the host's name."""
    left = max(0.1, deadline - time.monotonic())
    headers = {"Host": f"[{target.host}]" if ":" in target.host else target.host, "Accept": "application/json"}
    if target.port != _PORTS[target.scheme]:
        headers["Host"] += f":{target.port}"
    timeout = urllib3.Timeout(connect=left, read=left)
    pool: urllib3.HTTPConnectionPool
    if target.scheme == "https":
        pool = urllib3.HTTPSConnectionPool(
            target.address, target.port, timeout=timeout, assert_hostname=target.host, server_hostname=target.host
        )
    else:
        pool = urllib3.HTTPConnectionPool(target.address, target.port, timeout=timeout)
    return pool.urlopen("GET", target.path, headers=headers, redirect=False, retries=False, preload_content=False)
