"""The few calls into the Linux kernel that Python does not wrap."""

from __future__ import annotations

import ctypes
import os
import platform
import signal

PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 1, 22, 24, 38, 47
_CAPABILITY_VERSION_3 = 0x20080522
_LAST_CAPABILITY = 63

SYSCALLS: dict[str, dict[str, int]] = {
    "x86_64": {"pivot_root": 155, "capset": 126, "mount_setattr": 442, "landlock_create_ruleset": 444,
               "landlock_add_rule": 445, "landlock_restrict_self": 446},
    "aarch64": {"pivot_root": 41, "capset": 91, "mount_setattr": 442, "landlock_create_ruleset": 444,
                "landlock_add_rule": 445, "landlock_restrict_self": 446},
}  # fmt: skip
"""Numbers by machine; source: Linux, arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h."""


def machine() -> str:
    """
    Raises:
        OSError: the numbers of this machine's system calls are not known here.
    """
    name = platform.machine()
    if name not in SYSCALLS:
        raise OSError(f"not known how to confine a process on {name}")
    return name


def libc(name: str, *arguments: object) -> int:
    """Calls a function of the C library that returns -1 and sets errno where it fails.

    Raises:
        OSError: it failed; the message names the function.
    """
    found = getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments)
    if found == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return int(found)


def syscall(name: str, *arguments: object) -> int:
    """Calls the kernel by number; integers are passed as C longs.

    Raises:
        OSError: it failed; the message names the call.
    """
    wide = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    try:
        return libc("syscall", ctypes.c_long(SYSCALLS[machine()][name]), *wide)
    except OSError as error:
        raise OSError(error.errno, f"{name}: {os.strerror(error.errno or 0)}") from error


def prctl(option: int, *arguments: object) -> int:
    wide = [ctypes.c_ulong(value) if isinstance(value, int) else value for value in arguments]
    return libc("prctl", option, *wide, *[ctypes.c_ulong(0)] * (4 - len(wide)))


def die_with_parent() -> None:
    """Ends this process when the thread that started it ends. A change of identity undoes it, and a child lacks it."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def drop_capabilities() -> None:
    """Gives up every privilege for ever: also a program with a set-user-id bit could not bring one back."""
    for capability in range(_LAST_CAPABILITY + 1):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:  # beyond the last one, or without the privilege to drop any
            break
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    syscall("capset", header, (ctypes.c_uint32 * 6)())
    prctl(PR_SET_NO_NEW_PRIVS, 1)
