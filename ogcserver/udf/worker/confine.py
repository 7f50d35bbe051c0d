"""A worker gives up what it must not have, in two steps: before numpy and pandas are loaded, and after."""

from __future__ import annotations

import contextlib
import json
import os
import resource
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from ogcserver.udf.worker.kernel import die_with_parent, drop_capabilities
from ogcserver.udf.worker.landlock import restrict_files
from ogcserver.udf.worker.namespaces import enter
from ogcserver.udf.worker.seccomp import restrict_calls

Mechanism = Literal["bubblewrap", "namespaces", "landlock"]


@dataclass(frozen=True)
class Confinement:
    """How a worker is confined."""

    mechanism: Mechanism
    readable: tuple[str, ...]
    """Real paths of the Python runtime: all that there is to read."""
    memory_bytes: int
    """Of address space."""
    cpu_s: int
    """In the whole life of the worker."""
    tmp_bytes: int
    """Of the private /tmp, and of a file in it."""

    def text(self) -> str:
        """As it travels in the command line."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> Confinement:
        fields = json.loads(text)
        return cls(**{**fields, "readable": tuple(fields["readable"])})


def enter_sandbox(limits: Confinement) -> None:
    """First step: out of sight of files, network and processes. Bubblewrap has done that already.

    Raises:
        OSError: it cannot be done here.
    """
    with contextlib.suppress(OSError):  # when memory runs out, the kernel is to take this process first
        Path("/proc/self/oom_score_adj").write_text("1000")
    die_with_parent()  # before a child is made, whose parent this is
    if limits.mechanism == "namespaces":
        enter(limits.readable, limits.tmp_bytes)
    drop_capabilities()
    die_with_parent()
    if limits.mechanism == "landlock":
        os.chdir("/")
        restrict_files(limits.readable)


def lock_up(limits: Confinement) -> None:
    """Second step, for ever: limits on resources, and on the calls to the kernel.

    Raises:
        OSError: it cannot be done here.
    """
    tmp = 0 if limits.mechanism == "landlock" else limits.tmp_bytes
    for which, value in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_FSIZE, tmp),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
    ):
        resource.setrlimit(which, (value, value))
    restrict_calls()
