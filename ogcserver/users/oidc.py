"""Tokens of an OpenID Connect provider, checked against the keys that it publishes.

Source: OpenID Connect Core 1.0 clause 3.1.3.7, OpenID Connect Discovery 1.0 clause 4, RFC 7517, RFC 7519.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt

from ogcserver.errors import SourceUnavailable, TokenInvalid, UnsupportedOperation
from ogcserver.users.accounts import Session
from ogcserver.users.credentials import Credentials

_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Asymmetric ones only: a public key must never serve as a shared secret."""
_LEEWAY_S = 30
_TRUST_KEYS_S = 3600.0
_ASK_AGAIN_S = 30.0
"""For a key that is not known the provider is asked at most that often."""


class Issuer:
    """:class:`ogcserver.users.accounts.Users` whose bearer tokens one provider has signed.

    Args:
        issuer: its address, as in the tokens' ``iss``.
        audience: what the tokens' ``aud`` must name.
    """

    def __init__(
        self, issuer: str, audience: str, http: httpx.AsyncClient, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._issuer, self._audience, self._http, self._timer = issuer, audience, http, timer
        self._keys: dict[str, jwt.PyJWK] = {}
        self._asked: float | None = None
        self._asking = asyncio.Lock()

    async def user(self, credentials: Credentials) -> str:
        """The user's identifier: a hash of provider and subject, so that it can name a folder.

        Raises:
            TokenInvalid: not signed by the provider, not for this server, or expired.
            SourceUnavailable: the provider does not answer.
        """
        if credentials.kind != "bearer":
            raise TokenInvalid(f"users sign in at {self._issuer}; send its token as Authorization: Bearer")
        try:
            header = jwt.get_unverified_header(credentials.secret)
            key = await self._key(str(header.get("kid", "")))
            claims = jwt.decode(
                credentials.secret,
                key,
                algorithms=list(_ALGORITHMS),
                audience=self._audience,
                issuer=self._issuer,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise TokenInvalid(f"the token is not accepted: {error}") from error
        return "o-" + hashlib.sha256(f"{self._issuer}\x1f{claims['sub']}".encode()).hexdigest()[:32]

    async def login(self, user_id: str) -> Session:
        raise UnsupportedOperation(f"tokens come from {self._issuer}")

    async def register(self, password: str) -> Session:
        raise UnsupportedOperation(f"accounts are made at {self._issuer}")

    async def _key(self, kid: str) -> jwt.PyJWK:
        if not self._known(kid):
            async with self._asking:
                if not self._known(kid):
                    self._keys = await self._published()
                    self._asked = self._timer()
        if kid not in self._keys:
            raise TokenInvalid("the token is signed with a key that the provider does not publish")
        return self._keys[kid]

    def _known(self, kid: str) -> bool:
        """Whether asking the provider again is of no use."""
        if self._asked is None:
            return False
        return self._timer() - self._asked < (_TRUST_KEYS_S if kid in self._keys else _ASK_AGAIN_S)

    async def _published(self) -> dict[str, jwt.PyJWK]:
        """The provider's keys by their identifiers; those of kinds that are not known here are left out."""
        about = await self._json(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if about.get("issuer") != self._issuer:
            raise SourceUnavailable(f"the provider at {self._issuer} says that it is another one")
        found = {}
        for one in (await self._json(str(about.get("jwks_uri")))).get("keys", ()):
            try:
                found[str(one.get("kid", ""))] = jwt.PyJWK.from_dict(one)
            except jwt.PyJWTError:
                continue
        return found

    async def _json(self, url: str) -> dict[str, Any]:
        try:
            response = await self._http.get(url)
            response.raise_for_status()
            found = response.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise SourceUnavailable(f"the identity provider {self._issuer} does not answer as it should") from error
        if not isinstance(found, dict):
            raise SourceUnavailable(f"the identity provider {self._issuer} does not answer as it should")
        return found
