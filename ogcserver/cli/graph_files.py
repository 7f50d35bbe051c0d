"""Process graphs in files: those that users name, and the examples that come with the program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from ogcserver.errors import GraphInvalid
from ogcserver.graph.limits import GraphLimits, loads


@dataclass(frozen=True)
class GraphFile:
    """A process graph, or a job: a graph with a title, an output and arguments for its services."""

    title: str
    process_graph: Mapping[str, Any]
    output: Mapping[str, Any] | None = None
    description: str = ""
    service_args: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: bytes, name: str) -> GraphFile:
        """
        Args:
            name: names the graph where the file does not, and the file in errors.
        Raises:
            GraphInvalid: not a graph and not an object with one.
        """
        try:
            content = loads(text, GraphLimits())
        except GraphInvalid as error:
            raise GraphInvalid(error.message, locator=name) from error
        is_job = isinstance(content, dict) and "process_graph" in content
        body = content if is_job else {"process_graph": content}
        if not isinstance(body["process_graph"], dict):
            raise GraphInvalid("holds no process graph: an object with process_id and args", locator=name)
        return cls(
            str(body.get("title") or name.replace("_", " ").replace("-", " ")),
            body["process_graph"],
            body.get("output"),
            str(body.get("description") or ""),
            body.get("service_args") or {},
        )

    def job(self) -> dict[str, Any]:
        """The body of POST /jobs."""
        body: dict[str, Any] = {"process_graph": self.process_graph, "title": self.title}
        optional = {"output": self.output, "description": self.description}
        return body | {name: value for name, value in optional.items() if value}


def read_graph(path: Path) -> GraphFile:
    """
    Raises:
        OSError: the file cannot be read.
        GraphInvalid, GraphTooLarge: it holds no graph.
    """
    return GraphFile.parse(path.read_bytes(), path.stem)


def example_graphs() -> tuple[GraphFile, ...]:
    """The graphs of ``graphs/*.json``, by file name: those in the package, or beside it in a checkout."""
    package = resources.files("ogcserver")
    places: list[Traversable] = [package / "graphs"]
    if isinstance(package, Path):
        places.append(package.parent / "graphs")
    folder = next((place for place in places if place.is_dir()), None)
    if folder is None:
        return ()
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".json")), key=lambda file: file.name)
    return tuple(GraphFile.parse(file.read_bytes(), file.name.removesuffix(".json")) for file in files)
