"""Results by way of the disk: what is refused, what stops, and what is left behind."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ogcserver.coverages.output import FileEncoder
from ogcserver.cube import View
from ogcserver.encode.formats import formats
from ogcserver.encode.pieces import Pieces
from ogcserver.engine.exports import Exports, StoredFile
from ogcserver.engine.scratch import Scratch
from ogcserver.engine.service import Engine
from ogcserver.errors import DeadlineExceeded, Overloaded, TooLarge
from ogcserver.plan.expr import Expr
from tests.fakes import UTM, compiled, node, product, run, utm_archive
from tests.unit.engine.test_engine import Gate

VIEW = View(UTM.grid, ("x", "y"))
TIFF = FileEncoder(formats()["GTiff"])


class Kit:
    """An engine, and exports that put everything together on the disk."""

    def __init__(self, folder: Path, reader: Any = None, timeout_s: float = 60.0, **limits: Any) -> None:
        archive = utm_archive()
        self.plan: Expr = compiled(archive, node("min_time", imagery=product()))
        self.engine: Engine = archive.engine(reader, **limits)
        self.root = folder / "tmp"
        self.exports = Exports(self.engine, Scratch(self.root), 0, timeout_s)

    def left(self) -> list[str]:
        """Files and folders of results."""
        return sorted(path.name for path in self.root.glob("*/*") if path.name != "lock")

    def close(self) -> None:
        self.engine.close()
        self.exports.close()


@pytest.fixture
def kits(tmp_path: Path) -> Iterator[Callable[..., Kit]]:
    """Makes kits, and closes them in the end."""
    made: list[Kit] = []

    def make(*reader: Any, **settings: Any) -> Kit:
        made.append(Kit(tmp_path, *reader, **settings))
        return made[-1]

    yield make
    for kit in made:
        kit.close()


@pytest.fixture
def kit(kits: Callable[..., Kit]) -> Kit:
    return kits()


def test_a_result_leaves_nothing_and_is_in_no_cache(kit: Kit) -> None:
    export = run(kit.exports.render(kit.plan, VIEW, TIFF))
    assert isinstance(export.body, StoredFile)
    assert export.body.read(0, 4) in (b"II*\0", b"MM\0*")
    assert export.etag == run(kit.exports.etag(kit.plan, VIEW, TIFF))
    export.body.close()
    statistics = kit.engine.statistics()
    assert (statistics.arrays.entries, statistics.responses.entries, statistics.under_way) == (0, 0, 0)
    assert kit.left() == []


def test_what_cannot_be_written_by_pieces_is_encoded_in_memory(kit: Kit) -> None:
    picture = FileEncoder(formats()["NPY"])
    export = run(kit.exports.render(kit.plan, View(UTM.grid.window(0, 0, 5, 5), ("x",)), picture))
    assert isinstance(export.body, bytes)
    assert not kit.root.exists()


def test_the_operators_limit_holds_with_numbers(kits: Callable[..., Kit]) -> None:
    kit = kits(max_pixels=100)
    with pytest.raises(TooLarge, match="840000 values, more than the 100"):
        run(kit.exports.render(kit.plan, VIEW, TIFF))
    assert not kit.root.exists()


def test_room_on_the_disk_is_asked_for_before(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        free = 10 << 20

    monkeypatch.setattr("shutil.disk_usage", lambda path: Full)
    with pytest.raises(Overloaded, match="up to 26 MB on the server's disk, where 10 MB are free"):
        run(kit.exports.render(kit.plan, VIEW, TIFF))
    scratch = Scratch(kit.root)
    with scratch.promise(8 << 20), pytest.raises(Overloaded, match="2 MB"), scratch.promise(4 << 20):
        pass
    with scratch.promise(10 << 20):
        pass


def test_a_deadline_of_its_own(kits: Callable[..., Kit]) -> None:
    kit = kits(timeout_s=0.0)
    with pytest.raises(DeadlineExceeded):
        run(kit.exports.render(kit.plan, VIEW, TIFF))
    assert kit.left() == []


def test_nothing_goes_on_when_the_client_hangs_up(kits: Callable[..., Kit]) -> None:
    async def hang_up() -> None:
        gate = Gate(utm_archive())
        kit = kits(gate)
        task = asyncio.create_task(kit.exports.render(kit.plan, VIEW, TIFF))
        await asyncio.wait_for(gate.reached.wait(), 20)
        assert len(kit.left()) == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (kit.left(), kit.engine.statistics().under_way) == ([], 0)
        gate.opened.set()
        await asyncio.to_thread(kit.engine.close)
        assert len(gate.reads) <= 2, "those that were under way are the last"

    run(hang_up())


def test_writing_stops_when_the_client_hangs_up(kit: Kit) -> None:
    stopped: list[BaseException] = []

    async def hang_up() -> None:
        loop, begun = asyncio.get_running_loop(), asyncio.Event()

        class Slow(FileEncoder):
            def write(self, pieces: Pieces, target: Path) -> None:
                loop.call_soon_threadsafe(begun.set)
                try:
                    while True:
                        pieces.read(pieces.grid.window(0, 0, 1, 1), 0, 0)
                except Exception as error:
                    stopped.append(error)
                    raise

        task = asyncio.create_task(kit.exports.render(kit.plan, VIEW, Slow(formats()["GTiff"])))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(hang_up())
    assert [type(error).__name__ for error in stopped] == ["Cancelled"]
    assert kit.left() == []


def test_what_a_killed_server_left_is_deleted_by_the_next_one(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from ogcserver.engine.scratch import Scratch\n"
        "folder = Scratch(Path(sys.argv[1])).folder(); (folder / 'piece').write_bytes(b'x'); os._exit(9)"
    )
    root = tmp_path / "tmp"
    living = Scratch(root)
    kept = living.folder()
    (kept / "piece").write_bytes(b"x")
    assert subprocess.run([sys.executable, "-c", program, str(root)], check=False).returncode == 9
    assert len(list(root.glob("*/*/piece"))) == 2
    Scratch(root).clean()
    assert list(root.glob("*/*/piece")) == [kept / "piece"], "not those of a server that runs"
    living.close()
    assert [path.name for path in root.iterdir()] == ["lock"]
