"""Namespaces: a file system with the Python runtime only, no network, no other process.

Source: Linux manual pages namespaces(7), user_namespaces(7), pivot_root(2), mount_setattr(2).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from pathlib import Path

from ogcserver.udf.worker.kernel import die_with_parent, libc, syscall

_NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
_NEWUSER, _NEWPID, _NEWNET = 0x10000000, 0x20000000, 0x40000000
_ALL_BUT_USER = _NEWNS | _NEWCGROUP | _NEWUTS | _NEWIPC | _NEWPID | _NEWNET

_NOSUID, _NODEV, _NOEXEC, _READONLY, _REMOUNT, _BIND, _REC, _PRIVATE = 2, 4, 8, 1, 32, 4096, 16384, 1 << 18
_DETACH, _AT_FDCWD, _AT_RECURSIVE = 2, -100, 0x8000
_ATTRIBUTES = struct.pack("=4Q", 0b111, 0, 0, 0)
"""Of mounts: read only, no set-user-id, no devices."""

_NOBODY = 65534


def enter(readable: Sequence[str], tmp_bytes: int) -> None:
    """Moves this process into namespaces of its own, in which only the given paths, read only, and an empty /tmp exist.

    Returns in a child, the first process of its namespace; the parent waits for it and ends with its status. Where
    the process is privileged it becomes ``nobody``.

    Raises:
        OSError: the kernel or the administrator does not allow it; the message names the step.
    """
    privileged = _unshare()
    _fork_into_namespace()
    _build_root(readable, tmp_bytes)
    if privileged:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)


def _unshare() -> bool:
    """Whether it could be done with the privileges of root; else a namespace of users was needed."""
    if os.geteuid() == 0:
        try:
            libc("unshare", _ALL_BUT_USER)
            return True
        except PermissionError:  # root of a container
            pass
    user, group = os.geteuid(), os.getegid()
    libc("unshare", _NEWUSER | _ALL_BUT_USER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    return False


def _fork_into_namespace() -> None:
    child = os.fork()
    if child == 0:
        die_with_parent()
        return
    os.closerange(0, 256)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def _mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    libc("mount", source.encode(), target.encode(), kind.encode(), flags, options.encode())


def _build_root(readable: Sequence[str], tmp_bytes: int) -> None:
    _mount("none", "/", "", _REC | _PRIVATE)
    _mount("tmpfs", "/tmp", "tmpfs", _NOSUID | _NODEV, "size=64k,mode=755")
    Path("/tmp/old").mkdir()
    Path("/tmp/new").mkdir()
    syscall("pivot_root", b"/tmp", b"/tmp/old")
    os.chdir("/")
    _mount("tmpfs", "/new", "tmpfs", _NOSUID | _NODEV, "size=1m,mode=755")
    Path("/new/tmp").mkdir()  # first, for the runtime itself may lie below it
    flags = _NOSUID | _NODEV | _NOEXEC
    _mount("tmpfs", "/new/tmp", "tmpfs", flags, f"size={tmp_bytes},nr_inodes=1024,mode=1777")
    for path in readable:
        _show(path)
    _mount("none", "/new", "", _REMOUNT | _BIND | _READONLY | _NOSUID | _NODEV)
    os.chdir("/new")
    syscall("pivot_root", b".", b".")
    libc("umount2", b".", _DETACH)
    os.chdir("/tmp")


def _show(path: str) -> None:
    """Makes a path of the old root visible, read only, at the same place below /new."""
    old, new = Path(f"/old{path}"), Path(f"/new{path}")
    new.parent.mkdir(parents=True, exist_ok=True)
    if old.is_symlink():  # such as /lib: of the machine, so it names what is shown at its own place
        new.symlink_to(old.readlink())
        return
    if old.is_dir():
        new.mkdir(exist_ok=True)
    else:
        new.touch()
    _mount(str(old), str(new), "", _BIND | _REC)
    syscall("mount_setattr", _AT_FDCWD, str(new).encode(), _AT_RECURSIVE, _ATTRIBUTES, len(_ATTRIBUTES))
