"""The memory allocator of the C library."""

from __future__ import annotations

import ctypes
import platform
import resource

import numpy as np
import pytest

from ogcserver.cli.allocator import keep_freed_memory


def _faults_of_a_plane() -> int:
    """Fresh pages that the system gives for a plane of 8 MiB, after such a one was dropped."""
    np.ones(1 << 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(1 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives freed memory back so eagerly")
def test_planes_that_are_dropped_leave_their_pages_behind() -> None:
    assert keep_freed_memory()
    _faults_of_a_plane()
    assert _faults_of_a_plane() < 100  # of 2048 pages


def test_other_libraries_are_left_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not keep_freed_memory()
