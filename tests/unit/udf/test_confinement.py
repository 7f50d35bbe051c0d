"""How workers are started, and what they consist of."""

from __future__ import annotations

import ast
import errno
import os
import sys
from pathlib import Path

import numpy as np
import pytest

import ogcserver
from ogcserver.udf.sandbox import command, find_runtime
from ogcserver.udf.worker import seccomp
from ogcserver.udf.worker.confine import Confinement

LIMITS = Confinement("namespaces", ("/usr/lib",), 1 << 30, 60, 1 << 20)


def test_limits_survive_the_command_line() -> None:
    assert Confinement.parse(LIMITS.text()) == LIMITS


def test_a_worker_is_made_of_little() -> None:
    """Its modules must load where nothing but ``ogcserver/udf`` and the runtime exists."""
    own = Path(ogcserver.__file__).parent / "udf"
    allowed = {"numpy", "pandas", "ogcserver.udf.types", "ogcserver.udf.worker"}
    for path in [own / "types.py", *(own / "worker").glob("*.py")]:
        for found in ast.walk(ast.parse(path.read_text())):
            names = [found.module or ""] if isinstance(found, ast.ImportFrom) else []
            names += [alias.name for alias in found.names] if isinstance(found, ast.Import) else []
            for name in names:
                known = name.partition(".")[0] in sys.stdlib_module_names
                assert known or any(f"{name}.".startswith(f"{start}.") for start in allowed), (
                    f"{path.name} imports {name}"
                )


def test_only_the_runtime_is_shown() -> None:
    runtime = find_runtime()
    shown = [Path(path) for path in runtime.readable]
    assert all(path.exists() for path in shown)
    package = Path(np.__file__).resolve()
    assert any(package.is_relative_to(path) for path in shown)
    for secret in (Path("/etc/passwd"), Path("/proc/1"), Path.home() / ".ssh", Path("/"), Path("/tmp")):
        assert not any(secret.is_relative_to(path) for path in shown)
    pairs = [(one, other) for one in shown for other in shown if one != other and not other.is_symlink()]
    assert not [pair for pair in pairs if pair[0].is_relative_to(pair[1])], "no path below another"


def test_the_command_isolates_python() -> None:
    parts = command(LIMITS, find_runtime())
    assert parts[0] == os.path.realpath(sys.executable) and parts[1:4] == ["-I", "-S", "-B"]
    assert Confinement.parse(parts[6]) == LIMITS


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_allows_what_is_listed_only(machine: str) -> None:
    allowed = {numbers[["x86_64", "aarch64"].index(machine)] for numbers in seccomp._ALLOWED.values()}
    program = seccomp.program(machine)
    architecture = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
    fcntl = {"x86_64": 72, "aarch64": 25}[machine]
    assert len(program) < 256, "jumps are bytes"
    for number in (*range(600), 0x40000000, 0x40000029, 0xFFFFFFFF):
        answer = simulate(program, architecture[machine], number, 4)
        if number in allowed:
            assert answer == ALLOW
        elif number == 435:
            assert answer == ERROR | errno.ENOSYS
        else:
            assert answer == ERROR | errno.EPERM
    commands = [*range(40), *range(1024, 1050)]
    assert [c for c in commands if simulate(program, architecture[machine], fcntl, c) == ALLOW] == [0, 1, 2, 3, 1030]
    for other in {*architecture.values(), 0x40000003} - {architecture[machine]}:
        assert simulate(program, other, 0, 0) == KILL


ALLOW, ERROR, KILL = 0x7FFF0000, 0x00050000, 0x80000000


def simulate(program: list[tuple[int, int, int, int]], architecture: int, number: int, argument: int) -> int:
    """Runs the filter as the kernel does. Source: the manual page seccomp(2), struct seccomp_data."""
    data = {0: number, 4: architecture, 24: argument}
    position, accumulator = 0, 0
    while True:
        code, if_true, if_false, operand = program[position]
        position += 1
        if code == 0x20:
            accumulator = data[operand]
        elif code == 0x15:
            position += if_true if accumulator == operand else if_false
        else:
            assert code == 0x06
            return operand
