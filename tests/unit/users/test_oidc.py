"""Tokens of an identity provider, which runs here as an application in process."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from ogcserver.errors import SourceUnavailable, TokenInvalid, UnsupportedOperation
from ogcserver.users.credentials import Credentials
from ogcserver.users.oidc import Issuer

URL = "https://id.example.org/realm"


class Provider:
    """Publishes keys, and counts how often it is asked for them."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {"one": rsa.generate_private_key(65537, 2048)}
        self.asked = 0
        self.issuer = URL
        self.status = 200

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/realm/.well-known/openid-configuration":
            return httpx.Response(self.status, json={"issuer": self.issuer, "jwks_uri": f"{URL}/keys"})
        self.asked += 1
        return httpx.Response(200, json={"keys": [self._published(kid) for kid in self.keys] + [{"kty": "odd"}]})

    def _published(self, kid: str) -> dict[str, Any]:
        key = self.keys[kid].public_key()
        write = RSAAlgorithm.to_jwk if isinstance(key, rsa.RSAPublicKey) else ECAlgorithm.to_jwk
        return {**json.loads(write(key)), "kid": kid}

    def token(self, kid: str = "one", key: Any = None, algorithm: str = "RS256", **claims: Any) -> str:
        now = int(time.time())
        content = {"iss": URL, "aud": "ogcserver", "sub": "ann", "exp": now + 600, "iat": now, **claims}
        content = {name: value for name, value in content.items() if value is not None}
        return jwt.encode(content, key or self.keys[kid], algorithm, {"kid": kid})


class World:
    def __init__(self) -> None:
        self.provider, self.now = Provider(), 0.0
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.provider))
        self.issuer = Issuer(URL, "ogcserver", http, lambda: self.now)

    def user(self, token: str) -> str:
        return asyncio.run(self.issuer.user(Credentials("bearer", token)))


@pytest.fixture
def world() -> World:
    return World()


def test_a_token_names_a_user(world: World) -> None:
    provider = world.provider
    ann, bob = world.user(provider.token()), world.user(provider.token(sub="bob"))
    assert ann == world.user(provider.token(exp=int(time.time()) + 60)) != bob
    assert ann.startswith("o-") and ann.isascii() and "/" not in ann
    assert world.user(provider.token(aud=["other", "ogcserver"])) == ann
    assert provider.asked == 1


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example.org"}, {"aud": "other"}, {"exp": 1}, {"exp": None}, {"sub": None}, {"aud": None},
        {"nbf": 4_000_000_000},
    ],
)  # fmt: skip
def test_tokens_for_others_are_refused(world: World, claims: dict[str, Any]) -> None:
    with pytest.raises(TokenInvalid):
        world.user(world.provider.token(**claims))


def test_forged_tokens_are_refused(world: World) -> None:
    provider = world.provider
    forged = provider.token(key=rsa.generate_private_key(65537, 2048))
    unsigned = jwt.encode({"iss": URL, "aud": "ogcserver", "sub": "ann", "exp": 4e9}, None, "none", {"kid": "one"})
    public = json.dumps(provider._published("one"))
    symmetric = jwt.encode(
        {"iss": URL, "aud": "ogcserver", "sub": "ann", "exp": 4e9}, public * 2, "HS256", {"kid": "one"}
    )
    for token in (forged, unsigned, symmetric, "", "a.b.c", "x" * 5000, forged[:-3]):
        with pytest.raises(TokenInvalid):
            world.user(token)
    with pytest.raises(TokenInvalid):
        asyncio.run(world.issuer.user(Credentials("basic", "secret", "ann")))


def test_new_keys_are_found_but_not_asked_for_all_the_time(world: World) -> None:
    provider = world.provider
    world.user(provider.token())
    provider.keys["two"] = ec.generate_private_key(ec.SECP256R1())
    token = provider.token("two", algorithm="ES256")
    with pytest.raises(TokenInvalid):
        world.user(token)
    world.now = 31.0
    assert world.user(token) == world.user(provider.token())
    assert provider.asked == 2
    del provider.keys["two"]
    world.now = 5000.0
    with pytest.raises(TokenInvalid):
        world.user(token)


def test_a_provider_that_is_away_or_another_is_told_of(world: World) -> None:
    world.provider.status = 503
    with pytest.raises(SourceUnavailable):
        world.user(world.provider.token())
    world.provider.status, world.provider.issuer = 200, "https://other.example.org"
    with pytest.raises(SourceUnavailable):
        world.user(world.provider.token())


def test_accounts_are_made_elsewhere(world: World) -> None:
    for call in (world.issuer.register("password"), world.issuer.login("ann")):
        with pytest.raises(UnsupportedOperation):
            asyncio.run(call)
