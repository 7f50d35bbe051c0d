"""Jobs in on-demand mode as the map and coverage protocols see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from ogcserver.cube import RESAMPLINGS, Resampling
from ogcserver.encode.style import Style
from ogcserver.encode.style_args import parse_styles
from ogcserver.engine.describe import Description
from ogcserver.jobs.access import Caller
from ogcserver.plan.expr import Expr


@dataclass(frozen=True, eq=False)
class Layer:
    """An on-demand job: a layer of a map, or a coverage."""

    id: str
    """The job's identifier; an XML NCName."""
    title: str
    abstract: str
    plan: Expr
    description: Description
    args: Mapping[str, Any] = field(default_factory=dict)
    """Visualisation, from the service's or job's arguments."""
    resampling: Resampling = "nearest"

    @cached_property
    def styles(self) -> Mapping[str, Style]:
        """By name, the default one first.

        Raises:
            InvalidParameter: the arguments cannot be used.
        """
        return parse_styles(self.args, self.description.bands)


class Layers(Protocol):
    """The layers that one endpoint offers a caller: all their own at the root, one at a service's own endpoint."""

    async def all(self) -> tuple[Layer, ...]:
        """The caller's on-demand jobs, in the order of creation. One whose sources are away is left out, and logged."""
        ...

    async def revision(self) -> int:
        """A number that grows with every write of jobs, services and stored graphs."""
        ...

    async def get(self, identifier: str) -> Layer:
        """One layer.

        Raises:
            JobNotFound: no such job of the caller at this endpoint, or it is not in on-demand mode.
            CredentialsMissing: the same, for somebody who has not signed in.
        """
        ...


class Endpoints(Protocol):
    """Finds the layers behind an address that a caller may see."""

    def root(self, caller: Caller) -> Layers: ...

    async def of_service(self, service_id: str, service_type: str, caller: Caller) -> Layers:
        """The layers of ``/services/{service_id}/{service_type}``.

        Raises:
            ServiceNotFound: no such service for this caller, or of another type, or its job is not on demand.
            CredentialsMissing: no such service that is public, and the caller has not signed in.
        """
        ...


def resampling_of(options: Mapping[str, object]) -> Resampling | None:
    """What ``resampling`` says in the options of a job or service; None where it says nothing that is known."""
    wanted = next((str(value).lower() for name, value in options.items() if name.lower() == "resampling"), "")
    return next((known for known in RESAMPLINGS if known == wanted), None)
