"""Scripts among the files of users."""

from __future__ import annotations

from dataclasses import dataclass

from ogcserver.errors import FileNotFound, InvalidParameter
from ogcserver.users.files import UserFiles


@dataclass(frozen=True, eq=False)
class Scripts:
    """Reads scripts; see :class:`ogcserver.processes.udf.ScriptFiles`. Blocks."""

    files: UserFiles
    max_bytes: int

    def __call__(self, user_id: str, address: str) -> tuple[str, str]:
        """The name and the text of a file that a graph of this user names.

        Raises:
            InvalidParameter: not an address of a file, or the file is too long or no UTF-8 text.
            FileNotFound: the user has no such file.
        """
        place = self.files.path_for_reading(user_id, address)
        try:
            with place.open("rb") as file:
                content = file.read(self.max_bytes + 1)
        except IsADirectoryError as error:
            raise InvalidParameter(f"{address[:80]!r} is a folder; name one file") from error
        except FileNotFoundError as error:  # deleted just now
            raise FileNotFound(f"there is no file {address[:80]!r}") from error
        if len(content) > self.max_bytes:
            raise InvalidParameter(f"the script {place.name} is longer than {self.max_bytes >> 10} kB")
        try:
            return place.name, content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InvalidParameter(f"the script {place.name} is not UTF-8 text") from error
