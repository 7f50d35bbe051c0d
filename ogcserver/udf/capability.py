"""Finding out how scripts can be confined on this machine, by doing it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ogcserver.cube import Array
from ogcserver.errors import UdfLanguageUnsupported, UdfUnavailable
from ogcserver.udf.limits import UdfLimits
from ogcserver.udf.pool import WorkerPool
from ogcserver.udf.process import Patience
from ogcserver.udf.runner import Capability, Probe, Udf, UdfResult
from ogcserver.udf.sandbox import MECHANISMS, find_runtime
from ogcserver.udf.worker.confine import Mechanism

_TRIAL_S = 60.0


class NoUdfs:
    """Stands for a runner where there is none: every script is refused with the reason."""

    def __init__(self, reason: str) -> None:
        self._capability = Capability("", reason)

    @property
    def capability(self) -> Capability:
        return self._capability

    def run(
        self, udf: Udf, data: Array, times: tuple[str, ...], bands: tuple[str, ...], check: Callable[[], None]
    ) -> UdfResult:
        """
        Raises:
            UdfLanguageUnsupported: always.
        """
        raise self._error()

    def probe(self, udf: Udf, times: tuple[str, ...], bands: tuple[str, ...], check: Callable[[], None]) -> Probe:
        """
        Raises:
            UdfLanguageUnsupported: always.
        """
        raise self._error()

    def close(self) -> None:
        """Nothing to end."""

    def _error(self) -> UdfLanguageUnsupported:
        return UdfLanguageUnsupported(self._capability.refusal)


NO_RUNNER = NoUdfs("this server does not run them")


def open_runner(limits: UdfLimits, mechanisms: Sequence[Mechanism] = MECHANISMS) -> WorkerPool | NoUdfs:
    """A runner that uses the first mechanism with which a worker starts here; takes a fraction of a second for each.

    Its ``capability.reason`` says why those before it did not do. Close it in the end.
    """
    reasons: list[str] = []
    for mechanism in mechanisms:
        try:
            pool = WorkerPool(limits, mechanism, find_runtime(), "; ".join(reasons))
        except UdfUnavailable as error:
            reasons.append(f"{mechanism}: {error.message}")
            continue
        try:
            pool.start(Patience(_TRIAL_S, lambda: None)).kill()
            return pool
        except UdfUnavailable as error:
            pool.close()
            reasons.append(f"{mechanism}: {error.message}")
    return NoUdfs("; ".join(reasons) or "no mechanism is allowed")
