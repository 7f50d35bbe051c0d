"""The credentials in a request: in its Authorization header or, for clients that cannot send one, in its address.

Source: RFC 7617 (Basic), RFC 6750 (Bearer; clause 2.3 for the query parameter).
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote_plus

from starlette.requests import HTTPConnection

from ogcserver.errors import CredentialsInvalid

TOKEN_PATH = "/token/"
"""``/token/{token}/...`` is ``/...`` with the token: for tile templates, and where clients put paths together."""
_TOKEN_PARAMETERS = ("token", "access_token")
_LONGEST = 8192
_IN_PATH = re.compile(f"({TOKEN_PATH})[^/?\\s]+")
_PARAMETER = re.compile(r"([?&])([^=&\s]+)=[^&\s]*")


@dataclass(frozen=True)
class Credentials:
    kind: Literal["basic", "bearer"]
    secret: str
    """The password or the token."""
    user_id: str = ""
    """Of ``basic``."""
    in_address: bool = False
    """Not in a header."""


def credentials_of(request: HTTPConnection) -> Credentials | None:
    """None: the request holds none.

    Raises:
        CredentialsInvalid: neither Basic nor Bearer, or malformed.
    """
    header = request.headers.get("authorization")
    if header is None:
        token = token_of_path(request.scope["path"]) or next(
            (token for name in _TOKEN_PARAMETERS if (token := request.query_params.get(name))), ""
        )
        return Credentials("bearer", token[:_LONGEST], in_address=True) if token else None
    scheme, _, value = header[:_LONGEST].partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return Credentials("bearer", value.strip())
    if scheme.lower() == "basic":
        return _basic(value.strip())
    raise CredentialsInvalid("Authorization must be Basic or Bearer, and not empty")


def token_of_path(path: str) -> str:
    """The token of ``/token/{token}/...``; "" for other paths."""
    return path.removeprefix(TOKEN_PATH).partition("/")[0] if path.startswith(TOKEN_PATH) else ""


def without_tokens(text: str) -> str:
    """The text, such as a line of a log, with ``***`` in place of the tokens of all addresses in it."""

    def hidden(found: re.Match[str]) -> str:
        known = unquote_plus(found[2]).lower() in _TOKEN_PARAMETERS
        return f"{found[1]}{found[2]}=***" if known else found[0]

    return _PARAMETER.sub(hidden, _IN_PATH.sub(r"\1***", text))


def _basic(value: str) -> Credentials:
    try:
        user_id, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise CredentialsInvalid("the Basic credentials are not base64 of user:password in UTF-8") from error
    if not colon:
        raise CredentialsInvalid("the Basic credentials hold no colon: they must be user:password")
    return Credentials("basic", password, user_id)
