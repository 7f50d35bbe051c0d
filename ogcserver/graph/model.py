"""What the compiler needs from the rest of the program, and how a process is declared to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ogcserver.cube import Band
from ogcserver.errors import ArgumentInvalid, FileNotFound, UdfLanguageUnsupported
from ogcserver.graph.limits import GraphLimits
from ogcserver.plan.expr import Expr
from ogcserver.plan.zonal import RegionFiles


@dataclass(frozen=True)
class BandName:
    """A band of a collection by every name that a graph may use."""

    band: Band
    common_name: str = ""
    wavelength_nm: float | None = None


Kind = Literal["cube", "cubes", "number", "text", "texts", "value"]
"""What an argument takes: a node, a list of nodes, a number, a text, a list of texts, or any plain JSON value."""


@dataclass(frozen=True)
class Argument:
    name: str
    kind: Kind
    description: str
    required: bool = True


class Regions(Protocol):
    """The files of regions of one user."""

    def find(self, address: str) -> RegionFiles:
        """
        Args:
            address: of a file or folder, such as ``/users/me/files/polygon1.json``.
        Raises:
            InvalidParameter, FileNotFound, FileError: there is no such file, or it cannot be used.
        """
        ...


class _NoRegions:
    def find(self, address: str) -> RegionFiles:
        raise FileNotFound(f"there is no file {address[:80]!r}: there are no files of users here")


NO_REGIONS: Regions = _NoRegions()


@dataclass(frozen=True, eq=False)
class Scope:
    """The arguments of one node, checked for their kind, and where the node stands."""

    path: str
    """Of the node, such as ``process_graph.args.imagery``."""
    values: Mapping[str, Any]
    bands: Mapping[str, BandName] = field(default_factory=dict)
    """Further names of the bands of the collections below, by band identifier."""
    regions: Regions = NO_REGIONS

    def invalid(self, name: str, message: str) -> ArgumentInvalid:
        """The error for a bad argument, to be raised by the caller."""
        return ArgumentInvalid(message, locator=f"{self.path}.args.{name}")

    def cube(self, name: str) -> Expr:
        value = self.values[name]
        assert isinstance(value, Expr)
        return value

    def band(self, name: str, data: Expr, wanted: object) -> str:
        """The identifier of a band of ``data``, named by identifier or common name; a number counts as its text.

        Raises:
            ArgumentInvalid: there is no such band.
        """
        text = str(wanted) if isinstance(wanted, (str, int)) and not isinstance(wanted, bool) else ""
        known = data.type.names
        if text in known:
            return text
        named = [band for band in known if band in self.bands and self.bands[band].common_name == text != ""]
        if len(named) == 1:
            return named[0]
        raise self.invalid(name, f"there is no band {str(wanted)[:80]!r}; the bands are {', '.join(known)}")


Build = Callable[[Scope], Expr]


@dataclass(frozen=True)
class Process:
    """A process that graphs may use: its description for people, and the function that makes its node."""

    id: str
    description: str
    arguments: tuple[Argument, ...]
    build: Build

    def argument(self, name: str) -> Argument | None:
        return next((argument for argument in self.arguments if argument.name == name), None)


class Collections(Protocol):
    """The bands of the collections that graphs may load."""

    def bands(self, collection: str) -> tuple[BandName, ...]:
        """
        Raises:
            CollectionNotFound: no such collection.
        """
        ...


class StoredGraphs(Protocol):
    """A user's stored process graphs, and those of other hosts."""

    def graph(self, name: str) -> Mapping[str, Any]:
        """
        Args:
            name: an identifier, or an address that holds ``://``.
        Raises:
            StoredGraphNotFound: no such graph.
            GraphError: an address that graphs are not fetched from, or what is there is none.
        """
        ...


class Functions(Protocol):
    """What a user's graphs may call that users have written."""

    def process(self, path: str) -> Process:
        """
        Args:
            path: such as ``/udf/Python/aggregate_time``.
        Raises:
            UdfLanguageUnsupported, UdfTypeUnsupported: there is no such kind of function.
        """
        ...


class _NoFunctions:
    def process(self, path: str) -> Process:
        raise UdfLanguageUnsupported("user-defined functions are off here: this server does not run them")


NO_FUNCTIONS: Functions = _NoFunctions()


@dataclass(frozen=True, eq=False)
class Context:
    """Everything that a graph is compiled against."""

    processes: Mapping[str, Process]
    collections: Collections
    stored: StoredGraphs
    limits: GraphLimits = field(default_factory=GraphLimits)
    functions: Functions = NO_FUNCTIONS
    regions: Regions = NO_REGIONS
