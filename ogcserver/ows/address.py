"""The address by which clients reach the server."""

from __future__ import annotations

from starlette.requests import Request


def base_url(request: Request, public_url: str = "") -> str:
    """Where the server's root is for the client, without a slash at the end.

    Capabilities hold absolute links that clients follow, so behind a proxy the operator sets ``public_url``. Without
    it the address is that of the request (its Host header, and the application's ``root_path``). Headers such as
    X-Forwarded-Host are not read, since anybody can send them.
    """
    return (public_url or str(request.base_url)).rstrip("/")
