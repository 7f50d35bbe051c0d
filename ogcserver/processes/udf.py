"""Processes whose work a user's script does: ``/udf/Python/{kind of function}``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

from ogcserver.cube import Band, compute_dtype
from ogcserver.errors import FileNotFound, InvalidParameter, UdfError
from ogcserver.graph.compile import common_regions
from ogcserver.graph.model import Argument, Process, Scope
from ogcserver.plan.expr import Expr, postorder
from ogcserver.plan.nodes import FilterTemporal
from ogcserver.plan.udf import RunUdf, Script
from ogcserver.processes.filters import IMAGERY
from ogcserver.timeline import ALWAYS, Interval, format_instant, start_of
from ogcserver.udf.runner import Probe, Udf, UdfRunner, udf_type
from ogcserver.udf.types import UdfType

_SCRIPT = Argument("script", "text", "path of a Python file of the user, such as /users/me/files/script.py")
_TRIAL_TIMES = 12
_TRIAL_START = datetime(2017, 1, 1, tzinfo=UTC)
_TRIAL_SPAN = timedelta(days=365)


class ScriptFiles(Protocol):
    """Reads the scripts of users."""

    def __call__(self, user_id: str, address: str) -> tuple[str, str]:
        """The name and the text of a file, named as graphs do.

        Raises:
            InvalidParameter: not such an address, or the file is no script.
            FileNotFound: the user has no such file.
        """
        ...


@dataclass(frozen=True, eq=False)
class UserFunctions:
    """The functions of one user; see :class:`ogcserver.graph.model.Functions`."""

    runner: UdfRunner
    read: ScriptFiles
    user_id: str

    def process(self, path: str) -> Process:
        """
        Raises:
            UdfLanguageUnsupported, UdfTypeUnsupported: there is no such kind of function.
        """
        language, _, name = path.removeprefix("/udf/").partition("/")
        kind = udf_type(language, name)
        return Process(path, kind.description, (IMAGERY, _SCRIPT), partial(self._build, kind))

    def _build(self, kind: UdfType, scope: Scope) -> Expr:
        """The node of a script, which is tried on a few made-up pixels to learn what it makes.

        Raises:
            ArgumentInvalid, UdfError, UdfLanguageUnsupported: it cannot be used, or not at all here.
        """
        data = scope.cube("imagery")
        if kind.needs_series and not data.type.temporal:
            raise scope.invalid("imagery", f"{kind.name} needs a time axis, and this image has none any more")
        try:
            name, code = self.read(self.user_id, scope.values["script"])
        except (InvalidParameter, FileNotFound) as error:
            raise scope.invalid("script", error.message) from error
        udf = Udf(kind.name, code, name, self.user_id)
        try:
            found = self.runner.probe(udf, _trial_times(data), data.type.names, lambda: None)
        except UdfError as error:
            raise UdfError(error.message, locator=f"{scope.path}.args.script") from error
        return _node(data, kind, Script(kind.name, code, name, self.user_id), found)


def _node(data: Expr, kind: UdfType, script: Script, found: Probe) -> RunUdf:
    """Bands are floats; one that keeps its name is taken to keep its unit."""
    dtype = compute_dtype(data.type.bands).name
    units = {band.name: band.unit for band in data.type.bands}
    bands = tuple(Band(name, dtype, None, units.get(name, "")) for name in found.bands)
    sparse = kind.spans == "pixel"
    regions, margin = common_regions(data), found.window.margin
    return RunUdf(data, script, bands, kind.time, kind.needs_series, sparse, margin, regions, kind.needs_extent)


def _trial_times(data: Expr) -> tuple[str, ...]:
    """Some moments of the interval that the graph asks for: the catalogue is not asked for the real ones."""
    if not data.type.temporal:
        return ()
    wanted = ALWAYS
    for node in postorder(data):
        if isinstance(node, FilterTemporal):
            wanted = wanted.intersection(node.interval)
    first, last = _bounds(wanted)
    step = (last - first) / _TRIAL_TIMES
    moments = ((first + number * step).replace(microsecond=0) for number in range(_TRIAL_TIMES))
    return tuple(dict.fromkeys(map(format_instant, moments)))


def _bounds(wanted: Interval) -> tuple[datetime, datetime]:
    start = start_of(wanted.start) if wanted.start else None
    end = start_of(wanted.end) if wanted.end else None
    try:
        if start is None:
            start = end - _TRIAL_SPAN if end is not None else _TRIAL_START
        if end is None or end <= start:
            end = start + _TRIAL_SPAN
    except OverflowError:  # at the ends of the calendar
        return _TRIAL_START, _TRIAL_START + _TRIAL_SPAN
    return start, end
