"""Jobs in on-demand mode as the map and coverage protocols see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ogcserver.cube import Resampling
from ogcserver.engine.describe import Description
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


class Layers(Protocol):
    """The layers that one endpoint offers: all of them at the root, one at a service's own endpoint."""

    async def all(self) -> tuple[Layer, ...]:
        """Every on-demand job, in the order of creation. A job whose sources are away is left out, and logged."""
        ...

    async def get(self, identifier: str) -> Layer:
        """One layer.

        Raises:
            JobNotFound: no such job at this endpoint, or it is not in on-demand mode.
        """
        ...


class Endpoints(Protocol):
    """Finds the layers behind an address."""

    def root(self) -> Layers: ...

    async def of_service(self, service_id: str, service_type: str) -> Layers:
        """The layers of ``/services/{service_id}/{service_type}``.

        Raises:
            ServiceNotFound: no such service, or of another type, or its job is not on demand.
        """
        ...
