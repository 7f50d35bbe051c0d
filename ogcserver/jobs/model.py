"""Jobs and web services, as they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Mode = Literal["none", "on_demand", "batch"]
Status = Literal["submitted", "queued", "running", "finished", "error"]


@dataclass(frozen=True)
class Job:
    """A saved process graph. Its identifier is an XML NCName, since it becomes CoverageId, layer name and gml:id."""

    id: str
    user_id: str
    process_graph: Mapping[str, Any]
    """As the client sent it."""
    output: Mapping[str, Any] | None
    mode: Mode
    status: Status
    submitted: str
    """RFC 3339, UTC."""
    updated: str
    title: str = ""
    description: str = ""


@dataclass(frozen=True)
class Service:
    """A web service over a job, with an endpoint of its own. Its identifier is an XML NCName."""

    id: str
    user_id: str
    job_id: str
    type: str
    """Lower case: ``wcs``, ``wmts``, ``xyz`` ..."""
    args: Mapping[str, Any] = field(default_factory=dict)
    """As the client sent them: protocol version and visualisation."""
    submitted: str = ""
    public: bool = True
    """Whether everybody may use it; else only its owner."""
