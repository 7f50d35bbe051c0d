"""The address by which clients reach the server."""

from __future__ import annotations

from starlette.requests import Request

from ogcserver.jobs.access import prefix_of


def base_url(request: Request, public_url: str = "") -> str:
    """Where the server's root is for the client, without a slash at the end.

    Capabilities hold absolute links that clients follow, so behind a proxy the operator sets ``public_url``. Without
    it the address is that of the request (its Host header, and the application's ``root_path``). Headers such as
    X-Forwarded-Host are not read, since anybody can send them. Where the request's address holds a token, the links do.
    """
    return public_url.rstrip("/") + prefix_of(request) if public_url else str(request.base_url).rstrip("/")
