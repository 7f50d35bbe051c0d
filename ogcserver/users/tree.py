"""What is in a folder, never looking through a symbolic link."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def files_below(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """All regular files below a folder; symbolic links are passed over."""
    stack = [folder]
    while stack:
        with suppress(FileNotFoundError), os.scandir(stack.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    stack.append(Path(entry.path))
                elif entry.is_file(follow_symlinks=False):
                    with suppress(FileNotFoundError):
                        yield Path(entry.path), entry.stat(follow_symlinks=False)


def is_file(place: Path) -> bool:
    return stat.S_ISREG(_mode(place))


def is_folder(place: Path) -> bool:
    return stat.S_ISDIR(_mode(place))


def is_link(place: Path) -> bool:
    return stat.S_ISLNK(_mode(place))


def _mode(place: Path) -> int:
    """0: there is nothing."""
    try:
        return place.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return 0
