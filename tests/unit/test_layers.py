"""The import graph of the program, read from its syntax trees: who may know whom."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import ogcserver

ROOT = Path(ogcserver.__file__).parent

LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors",), ("timeline",), ("geo",), ("cube",), ("plan",), ("graph",), ("sources",), ("udf",), ("processes",),
    ("encode",), ("engine",), ("zonal",), ("jobs",), ("batch",), ("users",), ("ows",), ("maps",), ("coverages",),
    ("wcs", "wmts", "wms", "xyz", "tms", "ogcapi", "openeo", "web"),  # protocols: blind to one another
    ("settings",), ("cors", "hangup", "people"), ("demo",), ("parts",), ("crew",), ("app",), ("cli",), ("__main__",),
)  # fmt: skip
"""Each imports only from those before it and from itself (docs: DESIGN 2)."""
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}

INSIDE_FUNCTIONS: dict[str, str] = {
    "batch.workers distributed.Client": "an extra that most installations lack",
    "cli.commands ogcserver.demo.archive.write_archive": "only the demo needs to load what draws the archive",
}
"""Module and imported module -> why it is imported inside of a function."""


@dataclass(frozen=True)
class Import:
    module: str
    """Dotted name of the importing module, without the package."""
    line: int
    target: str
    """Dotted name of what is imported."""
    star: bool
    inner: bool
    """Inside of a function."""


def imports(path: Path) -> Iterator[Import]:
    parts = path.relative_to(ROOT).with_suffix("").parts
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    package = ["ogcserver", *parts[:-1]]
    tree = ast.parse(path.read_text(), str(path))
    functions = [
        found for found in ast.walk(tree) if isinstance(found, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
    ]
    inner = {id(found) for function in functions for found in ast.walk(function)}
    for found in ast.walk(tree):
        if isinstance(found, ast.Import):
            names = [(alias.name, False) for alias in found.names]
        elif isinstance(found, ast.ImportFrom):
            base = package[: len(package) + 1 - found.level] if found.level else []
            source = ".".join([*base, *([found.module] if found.module else [])])
            names = [
                (source if alias.name == "*" else f"{source}.{alias.name}", alias.name == "*") for alias in found.names
            ]
        else:
            continue
        for name, star in names:
            yield Import(module, found.lineno, name, star, id(found) in inner)


FILES = sorted(ROOT.rglob("*.py"))
IMPORTS = [found for path in FILES for found in imports(path)]
MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in FILES} - {
    "__init__"
}


def own(target: str) -> str | None:
    """The module of ours that an imported name lies in; None for other packages."""
    if target.partition(".")[0] != "ogcserver":
        return None
    name = target.removeprefix("ogcserver").removeprefix(".")
    while name and name not in MODULES:
        name = name.rpartition(".")[0]
    return name


def layer(module: str) -> str:
    return module.partition(".")[0]


def test_every_module_belongs_to_a_layer() -> None:
    unknown = sorted({layer(module) for module in MODULES} - set(LEVEL))
    assert not unknown, (
        f"put {unknown} into LAYERS of {Path(__file__).name}, after what they import and before what imports them"
    )


def test_modules_import_only_from_layers_before_their_own() -> None:
    wrong = [
        f"{found.module}:{found.line} imports {found.target}"
        for found in IMPORTS
        if (target := own(found.target))
        and layer(target) != layer(found.module)
        and LEVEL.get(layer(target), 99) >= LEVEL.get(layer(found.module), -1)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph: dict[str, set[str]] = {module: set() for module in MODULES}
    for found in IMPORTS:
        target = own(found.target)
        if target and found.module in graph and target != found.module:
            graph[found.module].add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_no_star_imports() -> None:
    assert not [f"{found.module}:{found.line}" for found in IMPORTS if found.star]


def test_imports_stand_at_the_top_of_their_module() -> None:
    inner = {f"{found.module} {found.target}": found.line for found in IMPORTS if found.inner}
    undocumented = {name: line for name, line in inner.items() if name not in INSIDE_FUNCTIONS}
    assert not undocumented, f"move these to the top, or say why not in INSIDE_FUNCTIONS: {undocumented}"
    assert not set(INSIDE_FUNCTIONS) - set(inner), "INSIDE_FUNCTIONS names imports that are no more"


def test_the_walk_sees_the_program() -> None:
    assert {"plan.bind", "engine.service", "geo.kernels"} <= MODULES
    assert any(found.module == "plan.bind" and own(found.target) == "plan.expr" for found in IMPORTS)
