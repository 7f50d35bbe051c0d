"""Measures the server: ``python benchmarks/run.py [--quick] [--peers] [W1 W3 ...]``; see README.md beside this file."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks import (  # noqa: E402
    block_bytes,
    cached,
    compiling,
    finding,
    http_tiles,
    pixels,
    remote,
    scale,
    starting,
    switches,
    workers,
)
from benchmarks.archive import Archive, Size, write  # noqa: E402
from benchmarks.peers import peers  # noqa: E402
from benchmarks.stats import machine  # noqa: E402

WORKS = ("W1", "W2", "W3", "W4", "W6", "W7", "W8", "W9", "W10", "W11", "W12", "W13")


def main() -> None:
    options = _options()
    size = Size(options.dates or (12 if options.quick else 36), 2048 if options.quick else 5490)
    print(machine())
    archive = write(options.archive, size)
    works = [work.upper() for work in options.works] or list(WORKS)
    tasks = 14 if options.quick else 42
    in_process(archive, works, tasks)
    http_tiles.run(archive, works, tasks)
    others: dict[str, Callable[[Archive, bool], None]] = {
        "W6": cached.run, "W7": workers.run, "W8": many_jobs, "W9": finding.run, "W10": remote.run,
        "W11": starting.run, "W12": block_bytes.run, "W13": switches.run,
    }  # fmt: skip
    for work, run in others.items():
        if work in works:
            run(archive, options.quick)
    if options.peers:
        peers.run(archive, options.archive, tasks)
    print(f"\n{machine()}")


def many_jobs(archive: Archive, quick: bool) -> None:
    """Both parts of W8."""
    compiling.run(archive, quick)
    scale.run(archive, quick)


def in_process(archive: Archive, works: list[str], tasks: int) -> None:
    """W1 to W4 as far as they are wanted."""
    if not {"W1", "W2", "W3", "W4"} & set(works):
        return
    pair = pixels.Pair(archive)
    if "W1" in works:
        pixels.report(pixels.w1(pair, tasks))
    if "W2" in works:
        pixels.report(pixels.w2(pair, tasks))
    if "W3" in works:
        for dates in (1, 4, 12, 36):
            if dates <= archive.size.dates:
                pixels.report(pixels.w3(pair, tasks, dates))
    if "W4" in works:
        pixels.report(pixels.w4(pair, max(5, tasks // 4)))
    pair.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("works", nargs="*", metavar="WORK", help=f"any of {' '.join(WORKS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="12 dates of 2048 x 2048 pixels, and fewer tasks")
    parser.add_argument("--dates", type=int, help="scenes in the archive")
    parser.add_argument("--peers", action="store_true", help="also MapServer, MapProxy, TiTiler and titiler-openeo")
    parser.add_argument(
        "--archive",
        type=Path,
        default=Path(tempfile.gettempdir()) / "ogcserver-benchmarks",
        help="folder that keeps the archive, and the peers' programs (default: %(default)s)",
    )
    options = parser.parse_args()
    if unknown := {work.upper() for work in options.works} - set(WORKS):
        parser.error(f"no such work: {' '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    main()
