"""The command that starts a confined worker, for each way of confining one."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ogcserver.errors import UdfUnavailable
from ogcserver.udf.worker.confine import Confinement, Mechanism

MECHANISMS: tuple[Mechanism, ...] = ("bubblewrap", "namespaces", "landlock")
"""Best first."""

_BOOT = (
    "import sys; sys.path += sys.argv[2:];"
    "from ogcserver.udf.worker.confine import Confinement, enter_sandbox;"
    "limits = Confinement.parse(sys.argv[1]); enter_sandbox(limits);"
    "from ogcserver.udf.worker.serve import serve; serve(limits)"
)
"""Numpy, pandas and the script are loaded behind ``enter_sandbox``."""

_SYSTEM = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/usr/share/zoneinfo")
"""Shared libraries and time zones."""

ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "HOME": "/tmp",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
"""All that a worker sees; it may have no second thread."""


@dataclass(frozen=True)
class Runtime:
    """The Python that workers run."""

    python: str
    packages: tuple[str, ...]
    """Directories to import from, beside the standard library."""
    readable: tuple[str, ...]
    """All paths that must be seen to run it, none below another."""


def find_runtime() -> Runtime:
    """The running interpreter with the packages that lie beside numpy and pandas.

    Raises:
        UdfUnavailable: one of them is not installed.
    """
    packages: list[str] = []
    for name in ("numpy", "pandas"):
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise UdfUnavailable(f"{name} is not installed")
        packages.append(str(Path(spec.origin).resolve().parents[1]))
    own = Path(__file__).resolve().parent
    packages = list(dict.fromkeys([*packages, str(own.parents[1])]))
    python = os.path.realpath(sys.executable)
    library, shared, modules = (str(sysconfig.get_config_var(key)) for key in ("LIBDIR", "INSTSONAME", "DESTSHARED"))
    wanted = [
        python, sysconfig.get_path("stdlib"), modules, str(Path(library, shared)), *packages[:-1],
        str(own), str(own.parent / "__init__.py"),
    ]  # fmt: skip
    real = [os.path.realpath(path) for path in wanted if Path(path).exists()]
    return Runtime(python, tuple(packages), _outermost([*(path for path in _SYSTEM if Path(path).exists()), *real]))


def _outermost(paths: Iterable[str]) -> tuple[str, ...]:
    found: list[str] = []
    for path in sorted(set(paths), key=len):
        if not any(Path(path).is_relative_to(other) and not Path(other).is_symlink() for other in found):
            found.append(path)
    return tuple(found)


def command(limits: Confinement, runtime: Runtime) -> list[str]:
    """The command line of a worker; it speaks on its standard input and output.

    Raises:
        UdfUnavailable: the program that confines it is not installed.
    """
    worker = [runtime.python, "-I", "-S", "-B", "-c", _BOOT, limits.text(), *runtime.packages]
    return [*_bubblewrap(limits), *worker] if limits.mechanism == "bubblewrap" else worker


def _bubblewrap(limits: Confinement) -> list[str]:
    program = shutil.which("bwrap")
    if program is None:
        raise UdfUnavailable("bwrap is not installed")
    shown: list[str] = []
    for path in limits.readable:
        if Path(path).is_symlink():
            shown += ["--symlink", str(Path(path).readlink()), path]
        else:
            shown += ["--ro-bind", path, path]
    return [
        program, "--unshare-all", "--die-with-parent", "--hostname", "udf", "--uid", "65534", "--gid", "65534",
        "--cap-drop", "ALL", "--size", str(limits.tmp_bytes), "--tmpfs", "/tmp", *shown, "--remount-ro", "/",
        "--chdir", "/tmp", "--",
    ]  # fmt: skip
