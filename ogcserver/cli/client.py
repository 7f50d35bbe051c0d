"""A client of the job API of a running server."""

from __future__ import annotations

from typing import Any

import httpx

from ogcserver.errors import RequestError

_TIMEOUT_S = 60.0


class Refused(RequestError):
    """The server answered with an error."""


def _content(response: httpx.Response) -> Any:
    """The JSON of an answer, None for an empty one.

    Raises:
        Refused: an error, with the server's words.
    """
    if response.is_success:
        return response.json() if response.content else None
    try:
        answer = response.json()
        said = f"{answer['message']} (code {answer['code']})"
    except (ValueError, KeyError, TypeError):
        said = f"status {response.status_code}"
    raise Refused(f"the server refuses: {said}")


class Client:
    """Talks to one server. Methods raise Refused, and httpx.TransportError where it does not answer."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    @classmethod
    def of(cls, url: str, token: str = "") -> Client:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return cls(httpx.AsyncClient(base_url=url.rstrip("/"), timeout=_TIMEOUT_S, headers=headers))

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def _ask(self, method: str, path: str, body: Any = None) -> Any:
        return _content(await self._http.request(method, path, json=body))

    async def login(self, user_id: str, password: str) -> str:
        """A bearer token of the user."""
        answer = _content(await self._http.get("/auth/login", auth=httpx.BasicAuth(user_id, password)))
        return str(answer["token"])

    async def register(self, password: str) -> tuple[str, str]:
        """Identifier and bearer token of a new user."""
        answer = await self._ask("POST", "/auth/register", password)
        return str(answer["user_id"]), str(answer["token"])

    async def jobs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self._ask("GET", "/jobs")
        return found

    async def job(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = await self._ask("GET", f"/jobs/{job_id}")
        return found

    async def services(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self._ask("GET", "/services")
        return found

    async def add_job(self, body: dict[str, Any]) -> str:
        """The identifier of a new job."""
        answer = await self._ask("POST", "/jobs", body)
        return str(answer["job_id"])

    async def start(self, job_id: str) -> None:
        """Puts a job into on-demand mode."""
        await self._ask("POST", f"/jobs/{job_id}/on_demand")

    async def add_service(self, job_id: str, service_type: str, args: Any = None) -> str:
        """The address of a new service."""
        body = {"job_id": job_id, "service_type": service_type, "service_args": args or {}}
        answer = await self._ask("POST", "/services", body)
        return str(answer["service_url"])

    async def queue(self, job_id: str) -> None:
        """Queues a job as a batch."""
        await self._ask("POST", f"/jobs/{job_id}/batch")

    async def results(self, job_id: str) -> list[str]:
        """Addresses of the files of a finished batch job."""
        found: list[str] = await self._ask("GET", f"/jobs/{job_id}/batch/download")
        return found

    async def remove_job(self, job_id: str) -> None:
        await self._ask("DELETE", f"/jobs/{job_id}")
