"""What the services of WCS 1.0.0 and 1.1 do alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from starlette.responses import Response

from ogcserver.errors import TooLarge
from ogcserver.jobs.layers import Layer
from ogcserver.wcs.delivery import Call, Delivery, Operation
from ogcserver.wcs.naming import find, nameable

MOST_DESCRIBED = 500
"""Coverages in one answer to DescribeCoverage, each of some 3 kB."""


class OlderVersion(ABC):
    """The three operations, and how they find coverages; a :class:`ogcserver.wcs.delivery.VersionService`."""

    identifiers: ClassVar[str]
    """The parameter of DescribeCoverage that names coverages."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.operations: Mapping[str, Operation] = {
            "GetCapabilities": self.get_capabilities,
            "DescribeCoverage": self.describe_coverage,
            "GetCoverage": self.get_coverage,
        }

    @abstractmethod
    async def get_capabilities(self, call: Call) -> Response: ...

    @abstractmethod
    async def describe_coverage(self, call: Call) -> Response: ...

    @abstractmethod
    async def get_coverage(self, call: Call) -> Response: ...

    async def described(self, call: Call, identifiers: tuple[str, ...]) -> tuple[Layer, ...]:
        """The coverages of these identifiers; all where none is named.

        Raises:
            TooLarge: more than :data:`MOST_DESCRIBED`.
            JobNotFound, NotOnDemand: one is not there.
        """
        self._check_number(len(identifiers))
        if identifiers:
            return tuple([await find(call.layers, identifier, self.identifiers) for identifier in identifiers])
        layers = nameable(await call.layers.all())
        self._check_number(len(layers))
        return layers

    def _check_number(self, number: int) -> None:
        if number > MOST_DESCRIBED:
            raise TooLarge(
                f"{number} coverages are more than the {MOST_DESCRIBED} that one answer describes: name fewer",
                locator=self.identifiers,
            )
