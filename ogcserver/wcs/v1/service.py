"""What the services of WCS 1.0.0 and 1.1 do alike."""

from __future__ import annotations

from typing import ClassVar

from ogcserver.errors import TooLarge
from ogcserver.jobs.layers import Layer
from ogcserver.wcs.delivery import Call
from ogcserver.wcs.naming import find, nameable
from ogcserver.wcs.version import VersionService

MOST_DESCRIBED = 500
"""Coverages in one answer to DescribeCoverage, each of some 3 kB."""


class OlderVersion(VersionService):
    """Finds coverages as these versions offer them."""

    identifiers: ClassVar[str]
    """The parameter of DescribeCoverage that names coverages."""

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
