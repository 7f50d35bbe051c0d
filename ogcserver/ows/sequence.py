"""The update sequence of a capabilities document, by which clients learn whether they have the current one.

Source: OGC 06-042 clause 7.2.3.5; OGC 06-121r9 clause 7.3.4.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ogcserver.errors import InvalidParameter
from ogcserver.jobs.layers import Layer

_FORM = re.compile(r"([0-9]{1,18})-[0-9a-f]{16}")


@dataclass(frozen=True)
class UpdateSequence:
    """The store's revision, which grows, and a hash of what is listed.

    Scenes that arrive in a catalogue change the hash only, and most writes the revision only.
    """

    revision: int
    digest: str

    @classmethod
    def of(cls, revision: int, layers: Sequence[Layer]) -> UpdateSequence:
        digest = hashlib.sha256()
        for layer in layers:
            digest.update(repr((layer.id, layer.title, layer.abstract, layer.description, layer.args)).encode())
        return cls(revision, digest.hexdigest()[:16])

    @staticmethod
    def is_one(text: str) -> bool:
        """Whether the text has the form of a sequence."""
        return _FORM.fullmatch(text) is not None

    def __str__(self) -> str:
        return f"{self.revision}-{self.digest}"

    def known_to(self, text: str) -> bool:
        """Whether a client with this sequence has the current document.

        Raises:
            InvalidParameter: it is later than this one, or never was one.
        """
        match = _FORM.fullmatch(text)
        if match is None or int(match[1]) > self.revision:
            raise InvalidParameter(f"the current update sequence is {self}", locator="UPDATESEQUENCE")
        return text.endswith(self.digest)
