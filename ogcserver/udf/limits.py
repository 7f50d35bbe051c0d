"""What user-defined functions may use, as the operator sets it."""

from __future__ import annotations

from dataclasses import dataclass

from ogcserver.udf.sandbox import Runtime
from ogcserver.udf.worker.confine import Confinement, Mechanism


@dataclass(frozen=True)
class UdfLimits:
    """What scripts may use."""

    workers: int = 2
    """Processes at a time, busy or idle."""
    memory_mb: int = 1024
    """Address space of a process, about 170 MB of which are Python, numpy and pandas."""
    timeout_s: float = 60.0
    """For one window, and for loading a script."""
    idle_s: float = 300.0
    """After which a worker that nobody needs is ended."""
    life_s: int = 3600
    """Processor time after which a worker is replaced."""
    tmp_mb: int = 16
    """Of a private /tmp, counted beside the memory."""
    max_cube_mb: int = 256
    """Of a cube, on the way in and on the way out."""
    max_script_kb: int = 256

    def confinement(self, mechanism: Mechanism, runtime: Runtime) -> Confinement:
        cpu_s = self.life_s + int(self.timeout_s) + 60
        return Confinement(mechanism, runtime.readable, self.memory_mb << 20, cpu_s, self.tmp_mb << 20)
