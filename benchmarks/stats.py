"""Taking turns, timing, and printing."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


def timed(call: Callable[[], object]) -> float:
    """Milliseconds."""
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)


def percentile(times: Sequence[float], part: float) -> float:
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


@dataclass
class Series:
    """Times of several candidates on the same sequence of tasks."""

    title: str
    times: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, milliseconds: float) -> None:
        self.times.setdefault(name, []).append(milliseconds)

    def take_turns(self, candidates: Mapping[str, Callable[[], object]], turn: int) -> None:
        """Times each candidate once; who begins changes from turn to turn."""
        names = list(candidates)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            self.add(name, timed(candidates[name]))

    def median(self, name: str) -> float:
        return statistics.median(self.times[name])

    def ratio(self, name: str, reference: str) -> float:
        return self.median(name) / self.median(reference)

    def print(self, reference: str, limits: Mapping[str, float] | None = None) -> None:
        """A table; ``limits``: the most that a candidate's ratio to the reference may be."""
        print(f"\n{self.title}   ({len(next(iter(self.times.values())))} tasks)")
        for name, times in self.times.items():
            ratio = self.ratio(name, reference)
            limit = (limits or {}).get(name)
            verdict = "" if limit is None else f"   at most {limit:g}: {'holds' if ratio <= limit else 'MISSED'}"
            print(
                f"  {name:28} median {statistics.median(times):9.2f} ms   p95 {percentile(times, 0.95):9.2f} ms   "
                f"x {reference} {ratio:6.2f}{verdict}",
                flush=True,
            )


def machine() -> str:
    """What this runs on, and how busy it is with other work."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor() or platform.machine(),
    )
    memory = next((int(line.split()[1]) >> 20 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    load = f"{os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else "unknown"
    return (
        f"{model}, {os.cpu_count()} processors, {memory} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}; load average {load}; {time.strftime('%Y-%m-%d %H:%M')}"
    )


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
