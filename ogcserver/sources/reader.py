"""The readers of all kinds of places, behind one door; and files behind a network fetched ahead."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, wait
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from ogcserver.cube import Band, Resampling
from ogcserver.errors import SourceUnavailable
from ogcserver.geo.grid import Grid
from ogcserver.sources.base import BandSource, FileBand, Observation, Place
from ogcserver.sources.cells import Cell, Native, NativeCell
from ogcserver.sources.onto import GridReader, PlannedRead
from ogcserver.sources.raster import Header, Metered, RasterReader, is_local
from ogcserver.sources.sampling import CELL, Samplings

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Wanted:
    """Bands of an observation on a grid."""

    observation: Observation
    bands: Sequence[Band]
    grid: Grid
    resampling: Resampling

    def sources(self) -> Iterator[BandSource]:
        for item in self.observation.items:
            for band in self.bands:
                if band.name in item.bands:
                    yield item.bands[band.name]


class Reader:
    """Reads observations through the readers of each kind of place. Called from many threads.

    Args:
        readers: by the type of place.
        samplings: shared index grids.
        skip_unreadable: whether a file that cannot be read leaves its pixels missing, instead of failing the request.
    """

    def __init__(
        self, readers: Mapping[type[Place], RasterReader], samplings: Samplings, skip_unreadable: bool = True
    ) -> None:
        self.samplings = samplings
        self._readers = readers
        self._skip_unreadable = skip_unreadable
        self._lock = threading.Lock()
        self.unreadable = 0
        """How many reads have failed since the start."""

    def of(self, place: Place) -> RasterReader:
        """The reader of a kind of place."""
        return self._readers[type(place)]

    def header(self, place: Place) -> Header:
        return self.of(place).header(place)

    @property
    def bytes_read(self) -> int:
        """Of files since the start, by those readers that count."""
        return sum(reader.bytes_read for reader in self._readers.values() if isinstance(reader, Metered))

    def stored(self, planned: PlannedRead) -> Mapping[Hashable, int]:
        """The stored blocks that a read touches, and the bytes of each; nothing where the reader does not know."""
        reader = self.of(planned.place)
        return reader.stored(planned.place, planned.level, planned.window) if isinstance(reader, Metered) else {}

    def onto(self, grid: Grid, resampling: Resampling) -> GridReader:
        """Reads onto a grid: to be kept for as long as the request lasts."""
        cells = [Cell(cell, resampling, self.samplings) for cell in grid.chunks(CELL)]
        return GridReader(self, grid, resampling, cells)

    def at(self, native: Native) -> GridReader:
        """Reads a window of files as it is."""
        return GridReader(self, native.grid, "nearest", [NativeCell(native)])

    def failed(self, error: SourceUnavailable, item: str, band: str) -> None:
        """Counts and logs a file that could not be read.

        Raises:
            SourceUnavailable: such files are to fail the request.
        """
        with self._lock:
            self.unreadable += 1
        if not self._skip_unreadable:
            raise error
        logger.warning("band %s of item %s cannot be read, its pixels stay missing: %s", band, item, error.message)

    def prefetch(self, wanted: Sequence[Wanted], executor: Executor, check: Callable[[], None]) -> None:
        """Fetches what these reads need of files behind a network, all at once: first headers, then blocks.

        What is fetched waits in the readers' caches. Failures are left for :meth:`GridReader.read` to meet.
        """
        remote = [one for one in wanted if any(map(_is_remote, one.sources()))]
        if not remote:
            return
        places = dict.fromkeys(source.place for one in remote for source in one.sources() if _is_remote(source))
        _all(executor, [partial(self._try, check, self.header, place) for place in places])
        onto = {(one.grid, one.resampling): self.onto(one.grid, one.resampling) for one in remote}
        reads = [
            planned for one in remote for planned in onto[one.grid, one.resampling].planned(one.observation, one.bands)
        ]
        _all(executor, [partial(self._try, check, self._fetch, planned) for planned in reads])

    def _try(self, check: Callable[[], None], call: Callable[[T], object], argument: T) -> None:
        check()
        with contextlib.suppress(SourceUnavailable):
            call(argument)

    def _fetch(self, planned: PlannedRead) -> None:
        self.of(planned.place).read(planned.place, planned.level, planned.window)


def _is_remote(source: BandSource) -> bool:
    return isinstance(source.place, FileBand) and not is_local(source.place.href)


def _all(executor: Executor, calls: Sequence[Callable[[], None]]) -> None:
    """Makes all calls at the same time; raises the first failure after all have ended."""
    futures = [executor.submit(call) for call in calls]
    wait(futures)
    for future in futures:
        future.result()
