"""Who asks, and what they may see: the one rule for jobs, services, files and stored graphs.

What belongs to a user is seen by that user only; a public service is seen by all. What a caller may not see does not
exist for them: the error is the same. Somebody who has not signed in is asked to, whether or not the thing exists.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.types import Scope

from ogcserver.errors import CredentialsMissing, NotFound, OgcServerError

ME = "me"
"""The caller's own name in addresses; also the one user of a server without users."""

CHALLENGE = 'Bearer realm="ogcserver"'
"""WWW-Authenticate of 401, which must name a way to sign in (RFC 9110, 11.6.1). Not Basic, although that is accepted:
browsers would ask for a password wherever a picture is private."""

_KEY, _PREFIX = "ogcserver.caller", "ogcserver.prefix"


@dataclass(frozen=True)
class Caller:
    """Who sends a request."""

    user_id: str | None = ME
    """None: somebody who has not signed in."""
    refused: OgcServerError | None = None
    """Why the credentials of the request are not accepted."""

    def required(self) -> str:
        """The user.

        Raises:
            CredentialsMissing: not signed in.
        """
        if self.user_id is None:
            raise CredentialsMissing("sign in: GET /auth/login answers a token to send as Authorization: Bearer")
        return self.user_id

    def sees(self, owner: str, public: bool = False) -> bool:
        """The rule."""
        return public or owner == self.user_id

    def missing(self, error: NotFound) -> OgcServerError:
        """What this caller is told in place of an error that something does not exist."""
        if self.user_id is not None:
            return error
        return CredentialsMissing(f"{error.message}, or only for those who sign in")


EVERYBODY = Caller()
"""Of every request to a server without users."""


def identify(scope: Scope, caller: Caller, prefix: str = "") -> None:
    """Notes whose request it is.

    Args:
        prefix: comes before the path in all addresses that the answer holds, so that they are this caller's, too.
    """
    scope[_KEY], scope[_PREFIX] = caller, prefix


def prefix_of(request: HTTPConnection) -> str:
    """See :func:`identify`."""
    return str(request.scope.get(_PREFIX, ""))


def caller_of(request: HTTPConnection) -> Caller:
    """Whose request it is.

    Raises:
        CredentialsInvalid, TokenInvalid, Overloaded: the request holds credentials that are not accepted.
    """
    caller = request.scope.get(_KEY, EVERYBODY)
    assert isinstance(caller, Caller)
    if caller.refused is not None:
        raise caller.refused
    return caller


def user_of(request: HTTPConnection) -> str:
    """The user whose request it is.

    Raises:
        CredentialsMissing, CredentialsInvalid, TokenInvalid: see :meth:`Caller.required` and :func:`caller_of`.
    """
    return caller_of(request).required()
