"""Scripts that try to get out, under every mechanism that this machine has."""

from __future__ import annotations

import errno
import os
import socket
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from ogcserver.errors import Cancelled, UdfError
from ogcserver.udf.pool import WorkerPool
from ogcserver.udf.runner import Udf, UdfResult

CUBE = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)

REFUSED = (
    "PermissionError", "FileNotFoundError", "BlockingIOError",
    *(f"OSError [Errno {n}]" for n in (errno.EROFS, errno.EXDEV, errno.EFBIG, errno.ENOSPC, errno.ENOSYS)),
)  # fmt: skip


_START = """
import ctypes, os, signal, socket, struct, sys

libc = ctypes.CDLL(None, use_errno=True)

def call(*arguments):
    if libc.syscall(*arguments) == -1:
        raise OSError(ctypes.get_errno(), "syscall")

def apply_pixel_array(cube):
"""
_ATTEMPT = """
    try:
        BODY
        print("escaped")
    except EXCEPTION as error:
        print(type(error).__name__, error)
    print("---")
"""


def script(*bodies: str, catch: str = "Exception") -> Udf:
    """A script whose function does each body in turn, prints ``escaped`` where nothing stops it, and gives its cube."""
    attempts = [
        _ATTEMPT.replace("BODY", textwrap.indent(textwrap.dedent(body).strip(), " " * 8).strip()) for body in bodies
    ]
    return Udf("apply_pixel", (_START + "".join(attempts)).replace("EXCEPTION", catch) + "    return cube\n")


def run(pool: WorkerPool, udf: Udf) -> UdfResult:
    return pool.run(udf, CUBE, (), ("v",))


def attempts(pool: WorkerPool, *bodies: str) -> list[str]:
    """What each body printed. The pool must be as good as new afterwards."""
    printed = run(pool, script(*bodies)).printed.split("---\n")[:-1]
    assert len(printed) == len(bodies)
    assert np.array_equal(run(pool, script("pass")).data, CUBE)
    return printed


def attempt(pool: WorkerPool, body: str) -> str:
    return attempts(pool, body)[0]


def successes(pool: WorkerPool, *bodies: str) -> list[tuple[str, str]]:
    """The bodies that were not refused, and what they printed."""
    return [
        (body, out) for body, out in zip(bodies, attempts(pool, *bodies), strict=True) if not out.startswith(REFUSED)
    ]


def test_what_is_allowed_succeeds(pool: WorkerPool) -> None:
    """The control of the tests below: an attempt that nothing stops says so."""
    allowed = ["pass", "open(os.__file__).read()", "import decimal, zoneinfo", "call(24)", "1 / 0"]
    results = attempts(pool, *allowed)
    assert results[:4] == ["escaped\n"] * 4 and results[4].startswith("ZeroDivisionError")


def test_files_of_the_machine_cannot_be_read(pool: WorkerPool) -> None:
    paths = ["/etc/passwd", "/etc/shadow", "/proc/1/environ", "/proc/self/maps", "/proc/self/mem", "/dev/mem"]
    assert not successes(
        pool, *(f"open({path!r}).read(1)" for path in paths), "os.listdir('/proc')", "os.listdir('/sys/class/net')"
    )


def test_files_of_the_server_and_of_users_cannot_be_read(pool: WorkerPool, tmp_path: Path) -> None:
    database = tmp_path / "ogcserver.db"
    database.write_text("jobs")
    database.chmod(0o644)
    source = Path(__file__).parents[3] / "ogcserver" / "app.py"
    assert source.exists()
    assert not successes(
        pool,
        f"open({str(database)!r}).read()",
        f"os.listdir({str(tmp_path)!r})",
        f"open('/tmp/../' + {str(database)!r}).read()",
        f"open({str(source)!r}).read()",
    )


def test_links_lead_nowhere(pool: WorkerPool, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    assert not successes(
        pool,
        f"os.symlink({str(tmp_path / 'secret')!r}, '/tmp/link'); open('/tmp/link').read()",
        "os.link('/etc/passwd', '/tmp/hard')",
        "open(os.path.join('/proc/self', 'root', 'etc', 'passwd')).read()",
        "os.chroot('/tmp')",
        "d = os.open('/', os.O_PATH); os.chdir('/'); os.open('../../etc/passwd', os.O_RDONLY, dir_fd=d)",
    )


def test_the_runtime_cannot_be_changed(pool: WorkerPool) -> None:
    bodies = ["open(os.path.dirname(os.__file__) + '/new.py', 'w')", "open('/new', 'w')"]
    for path in ("os.__file__", "sys.modules['ogcserver.udf.worker.serve'].__file__", "sys.modules['numpy'].__file__"):
        bodies += [
            f"open({path}, 'a')",
            f"os.unlink({path})",
            f"os.chmod({path}, 0o777)",
            f"os.rename({path}, '/tmp/x')",
        ]
    assert not successes(pool, *bodies)


def test_a_private_directory_is_all_that_can_be_written(pool: WorkerPool) -> None:
    name = "/tmp/written-by-a-test-of-ogcserver"
    printed = attempt(pool, f"open({name!r}, 'w').write('x'); print(open({name!r}).read())")
    assert not Path(name).exists()
    if pool.capability.mechanism == "landlock":
        assert printed.startswith("PermissionError")
    else:
        assert printed == "x\nescaped\n"
        assert not successes(pool, "f = open('/tmp/big', 'wb')\nfor _ in range(64): f.write(bytes(1 << 20))")


def test_no_socket_can_be_opened(pool: WorkerPool) -> None:
    streams = ["AF_INET", "AF_INET6", "AF_UNIX", "AF_VSOCK"]
    assert not successes(
        pool,
        *(f"socket.socket(socket.{family}, socket.SOCK_STREAM)" for family in streams),
        *(f"socket.socket(socket.{family}, socket.SOCK_RAW)" for family in ("AF_INET", "AF_NETLINK", "AF_PACKET")),
        "socket.socketpair()",
    )


def test_no_connection_is_made(pool: WorkerPool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind("\0ogcserver-udf-test")
        local.listen()
        assert not successes(
            pool,
            f"socket.create_connection(('127.0.0.1', {server.getsockname()[1]}))",
            "s = socket.socket(socket.AF_UNIX); s.connect('\\0ogcserver-udf-test')",
        )


def test_other_processes_cannot_be_signalled_traced_or_limited(pool: WorkerPool) -> None:
    server = os.getpid()
    assert not successes(
        pool,
        *(f"os.kill({victim}, 0)" for victim in (server, os.getppid(), 1, -1, 0)),
        "os.kill(os.getppid(), signal.SIGKILL)",
        "os.killpg(0, signal.SIGKILL)",
        f"call({X86['ptrace']}, 16, {server}, 0, 0)",
        f"call({X86['process_vm_readv']}, {server}, 0, 0, 0, 0, 0)",
        f"import resource; resource.prlimit({server}, resource.RLIMIT_CPU, (1, 1))",
        "import fcntl; fcntl.fcntl(3, fcntl.F_SETOWN, os.getppid())",
        f"os.pidfd_open({server})",
    )


def test_no_process_and_no_thread_can_be_started(pool: WorkerPool) -> None:
    assert not successes(
        pool,
        "os.fork()",
        "while True: os.fork()",
        "import subprocess; subprocess.run(['/bin/sh'])",
        "os.execv(sys.executable, ['python'])",
        "if os.system('true'): os.forkpty()",
        "call(435, 0, 0)",  # clone3
    )
    assert "can't start new thread" in attempt(pool, "import threading; threading.Thread(target=print).start()")


X86 = {
    "mount": 165, "unshare": 272, "setns": 308, "bpf": 321, "keyctl": 250, "io_uring_setup": 425, "userfaultfd": 323,
    "perf_event_open": 298, "memfd_create": 319, "seccomp": 317, "prctl": 157, "setuid": 105, "capset": 126,
    "setitimer": 38, "timer_create": 222, "mknod": 133, "ioctl": 16, "name_to_handle_at": 303, "vfork": 58,
    "open_by_handle_at": 304, "execveat": 322, "sendmsg": 46, "shmget": 29, "msgget": 68, "inotify_init": 253,
    "ptrace": 101, "process_vm_readv": 310, "clone": 56, "pipe": 22, "eventfd2": 290, "setrlimit": 160,
    "socket in the numbering of x32": 0x40000000 + 41,
}  # fmt: skip


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86_64")
def test_calls_into_the_kernel_are_refused(pool: WorkerPool) -> None:
    printed = attempts(pool, *(f"call({number}, 0, 0, 0, 0, 0)" for number in X86.values()))
    assert not [name for name, out in zip(X86, printed, strict=True) if not out.startswith("PermissionError")]


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="machine code of x86")
def test_the_calls_of_another_architecture_end_the_script(pool: WorkerPool) -> None:
    body = """
        import mmap
        page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        page.write(bytes.fromhex("b814000000cd80c3"))  # getpid by int 0x80, the 32-bit numbering
        ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
    """
    with pytest.raises(UdfError, match="SIGSYS"):
        run(pool, script(body))


def test_nothing_is_inherited_from_the_server(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OGCSERVER_SECRET", "hunter2")
    with Path(__file__).open() as handle:
        os.set_inheritable(handle.fileno(), True)
        body = """
            print(sorted(os.environ), sys.argv[1:])
            for number in range(64):
                try: print(number, os.fstat(number).st_mode >> 12)
                except OSError: pass
        """
        printed = attempt(pool, body)
    assert "SECRET" not in printed and "hunter2" not in printed
    descriptors = [line.split() for line in printed.splitlines() if line[:1].isdigit()]
    assert len(descriptors) == 2 and {mode for _, mode in descriptors} == {"1"}, "two pipes and nothing else"


def test_privileges_are_gone(pool: WorkerPool) -> None:
    if pool.capability.mechanism == "landlock":
        pytest.skip("without namespaces the user stays the same")
    assert "nobody True" in attempt(pool, "print('nobody', os.getuid() != 0 and os.getgid() != 0)")


def test_memory_is_limited(pool: WorkerPool) -> None:
    with pytest.raises(UdfError, match="MemoryError: the script needs more memory"):
        run(pool, Udf("apply_pixel", "def apply_pixel(df):\n    x = [bytearray(1 << 24) for _ in range(1000)]\n"))
    with pytest.raises(UdfError, match=r"MemoryError|Unable to allocate"):
        run(pool, Udf("apply_pixel", "import numpy\ndef apply_pixel(df):\n    numpy.ones(1 << 40)\n"))


def test_an_endless_loop_is_ended_within_a_second_of_the_hangup(pool: WorkerPool) -> None:
    asked = threading.Event()
    threading.Timer(0.3, asked.set).start()
    ended: list[float] = []

    def check() -> None:
        if asked.is_set():
            ended.append(time.monotonic())
            raise Cancelled("the caller hung up")

    udf = Udf("apply_pixel", "def apply_pixel(df):\n    while True: pass\n")
    with pytest.raises(Cancelled):
        pool.run(udf, CUBE, (), ("v",), check)
    assert time.monotonic() - ended[0] < 1.0
    assert np.array_equal(run(pool, script("pass")).data, CUBE)


def test_endless_printing_is_forgotten(best_pool: WorkerPool) -> None:
    printed = run(best_pool, script("for _ in range(3000): print('x' * (1 << 20))")).printed
    assert 1000 < len(printed) < 20_000
    assert "escaped" not in attempt(best_pool, "os.write(1, b'x' * 100)")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("os._exit(3)", "ended its process with status 3"),
        ("sys.exit(3)", "SystemExit: a script must return, not exit"),
        ("ctypes.string_at(0)", "crashed with SIGSEGV"),
        ("import builtins; builtins.len = builtins.isinstance = None", ""),
        ("for fd in range(3, 16):\n    try: os.write(fd, b'garbage' * 100)\n    except OSError: pass", "wrong header"),
        ("for fd in range(3, 16):\n    try: os.write(fd, struct.pack('<cIQ', b'R', 9, 1 << 60))\n"
         "    except OSError: pass", "wrong header"),
        ("for fd in range(3, 16):\n    try: os.write(fd, struct.pack('<cIQ', b'R', 90000, 0) + b'[' * 90000)\n"
         "    except OSError: pass", "without JSON"),
        ("for fd in range(3, 16):\n    try: os.close(fd)\n    except OSError: pass", "ended its process|closed"),
        ("raise RuntimeError('x' * 100000)", "RuntimeError: x"),
        ("class E(Exception):\n    def __str__(self): raise self\nraise E()", ""),
        ("def f(): f()\nf()", "RecursionError"),
        ("cube.data.resize((0,), refcheck=False)", ""),
    ],
)  # fmt: skip
def test_whatever_it_does_only_its_caller_learns_of_it(best_pool: WorkerPool, body: str, message: str) -> None:
    udf = script(body, catch="ZeroDivisionError")
    try:
        first = run(best_pool, udf)  # some tricks harm nobody at once
        assert first.data.dtype == np.float32
        run(best_pool, udf)
        assert not message, "this cannot go unnoticed"
    except UdfError as error:
        assert len(error.message) < 20_000
        if message:
            assert any(part in error.message for part in message.split("|"))
    assert np.array_equal(run(best_pool, script("pass")).data, CUBE)


def test_a_script_cannot_forge_a_cube_of_other_pixels(best_pool: WorkerPool) -> None:
    body = """
        import json
        meta = json.dumps({"shape": [1, 1, 2, 2], "times": [], "bands": ["v"], "printed": ""}).encode()
        for fd in range(3, 16):
            try: os.write(fd, struct.pack('<cIQ', b'R', len(meta), 16) + meta + bytes(16))
            except OSError: pass
    """
    with pytest.raises(UdfError, match="other pixels"):
        run(best_pool, script(body))
