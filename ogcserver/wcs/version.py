"""What every version of WCS is to the service."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from starlette.responses import Response

from ogcserver.ows.report import Dialect
from ogcserver.wcs.delivery import Call, Delivery, Operation
from ogcserver.wcs.reading import Grammar


class VersionService(ABC):
    """One version of the protocol, or several that differ in details."""

    versions: ClassVar[tuple[str, ...]]
    """Those it speaks; the first one is taken for any other that differs in the third number only."""
    grammar: ClassVar[Grammar]
    """Its requests in XML."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.operations: Mapping[str, Operation] = {
            "GetCapabilities": self.get_capabilities,
            "DescribeCoverage": self.describe_coverage,
            "GetCoverage": self.get_coverage,
        }

    @abstractmethod
    def dialect(self, version: str, operation: str) -> Dialect:
        """How failures of an operation are told. ``operation`` is in lower case, and may not exist."""

    @abstractmethod
    async def get_capabilities(self, call: Call) -> Response: ...

    @abstractmethod
    async def describe_coverage(self, call: Call) -> Response: ...

    @abstractmethod
    async def get_coverage(self, call: Call) -> Response: ...
