"""After warming up the first tiles compile nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

SCRIPT = """
import gc

import numpy as np
from numba.core.dispatcher import Dispatcher

from ogcserver.cube import Band, View
from ogcserver.encode.style import default_style
from ogcserver.engine.warm import warm
from ogcserver.geo.crs import project_bounds
from ogcserver.geo.grid import Grid
from ogcserver.maps.picture import GEOTIFF, Painter
from tests.fakes import DAYS, TIMES, UTM, Archive, compiled, node, product, run

def variants():
    mine = [one for one in gc.get_objects() if isinstance(one, Dispatcher) and "ogcserver" in one.py_func.__module__]
    return {f"{one.py_func.__name__}{signature}" for one in mine for signature in one.signatures}

warm()
before = variants()
archive = Archive()
rng = np.random.default_rng(1)
shape = UTM.height, UTM.width
archive.add(
    "s2",
    [(time, UTM, {name: rng.integers(0, 9000, shape).astype(np.uint16) for name in ("r", "g", "n")}) for time in TIMES],
    nodata=0.0,
)
engine = archive.engine()
index = node("min_time", imagery=node("NDVI", imagery=product("s2"), red="r", nir="n"))
colours = node("first_time", imagery=product("s2"))
fine, coarse = (Grid.from_bounds("EPSG:3857", project_bounds("EPSG:32632", "EPSG:3857", bounds), 256, 256)
                for bounds in ((604000, 5192000, 606000, 5194000), UTM.grid.bounds))
for graph, names in ((index, ("NDVI",)), (colours, ("r", "g", "n"))):
    for grid in (fine, coarse):
        for kind in ("image/png", GEOTIFF):
            painter = Painter(kind, default_style(tuple(map(Band, names))))
            assert run(engine.render(compiled(archive, graph), View(grid, names), painter)).body
engine.close()
late = variants() - before
assert not late, late
print("done", len(before))
"""


def test_tiles_and_coverages_of_an_index_and_of_colours_compile_nothing() -> None:
    """In a process of its own, for others have compiled what they need."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("done"), done.stderr
