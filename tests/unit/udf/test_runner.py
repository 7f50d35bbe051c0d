"""What the rest of the program relies on: one suite for the pool of confined workers and for the fake of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ogcserver.errors import UdfError, UdfLanguageUnsupported, UdfTypeUnsupported
from ogcserver.udf.capability import NoUdfs, open_runner
from ogcserver.udf.limits import UdfLimits
from ogcserver.udf.runner import Udf, UdfRunner, udf_type
from ogcserver.udf.types import UDF_TYPES, Window
from tests.udf_fakes import InProcessRunner

EXAMPLES = Path(__file__).parents[3] / "docs" / "udf"
TIMES = ("2017-01-05", "2017-01-17", "2017-03-06", "2017-03-18")
BANDS = ("VV", "VH")


@pytest.fixture(params=["pool", "fake"])
def runner(request: pytest.FixtureRequest) -> Iterator[UdfRunner]:
    yield request.getfixturevalue("best_pool") if request.param == "pool" else InProcessRunner()


def nothing() -> None:
    pass


def backscatter() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Decibels (time, band, y, x); one pixel lacks January, one everything."""
    data = np.random.default_rng(3).normal(-12, 3, (4, 2, 5, 6)).astype(np.float32)
    data[:2, :, 0, 0] = np.nan
    data[:, :, 4, 5] = np.nan
    return data


@pytest.mark.parametrize("file", ["s1_aggregate.py", "s1_aggregate_fast.py"])
def test_the_example_makes_monthly_means(runner: UdfRunner, file: str) -> None:
    udf = Udf("aggregate_time", (EXAMPLES / file).read_text(), file)
    data = backscatter()
    found = runner.run(udf, data, TIMES, BANDS, nothing)
    power = 10 ** (data.astype(np.float64) / 10)
    wanted = np.full((3, 2, 5, 6), np.nan)
    wanted[0], wanted[2] = (10 * np.log10(power[part].mean(axis=0)) for part in (slice(0, 2), slice(2, 4)))
    assert found.times == ("2017-01-01", "2017-02-01", "2017-03-01") and found.bands == BANDS
    assert found.data.dtype == np.float32
    assert np.allclose(found.data, wanted, rtol=1e-5, equal_nan=True)
    probe = runner.probe(udf, TIMES, BANDS, nothing)
    assert (probe.times, probe.bands, probe.array) == (found.times, found.bands, "fast" in file)


def test_a_probe_tells_the_window(runner: UdfRunner) -> None:
    udf = Udf("window_space", "WINDOW = (3, 5)\ndef window_space(df):\n    return {'m': df['VV'].mean()}\n")
    probe = runner.probe(udf, TIMES, BANDS, nothing)
    assert probe.window == Window(1, 3, 5) and probe.window.margin == (1, 2)
    assert (probe.times, probe.bands) == (TIMES, ("m",))
    found = runner.run(udf, backscatter(), TIMES, BANDS, nothing)
    assert found.data.shape == (4, 1, 3, 2)


SCRIPTS = {
    "apply_pixel": "def apply_pixel(df): return df * 2",
    "apply_scene": "def apply_scene(df): return df - df.min()",
    "reduce_time": "def reduce_time(df): return df.min()",
    "reduce_space": "def reduce_space(df): return df.min()",
    "window_time": "WINDOW = 3\ndef window_time(df): return df.min()",
    "window_space": "WINDOW = 3\ndef window_space(df): return df.min()",
    "window_spacetime": "WINDOW = 3\ndef window_spacetime(df): return df.min()",
    "aggregate_time": "def aggregate_time(df): return df.resample('YS').min()",
    "aggregate_space": "def aggregate_space(df): return df[df.index.get_level_values('y') == 1]",
    "aggregate_spacetime": "def aggregate_spacetime(df): return df[df.index.get_level_values('x') == 1]",
}


@pytest.mark.parametrize("name", sorted(UDF_TYPES))
def test_every_kind_of_function_changes_the_cube_as_it_declares(runner: UdfRunner, name: str) -> None:
    kind, data = UDF_TYPES[name], np.nan_to_num(backscatter())
    found = runner.run(Udf(name, SCRIPTS[name]), data, TIMES, BANDS, nothing)
    inner = (5, 6) if "space" not in name or not kind.windowed else (3, 4)
    assert found.bands == BANDS
    assert (found.times == TIMES) == (kind.time == "kept" or name == "aggregate_spacetime")
    assert (found.times == ()) == (kind.time == "dropped")
    assert len(found.data) == max(1, len(found.times))
    shape = found.data.shape[2:]
    assert shape == {"kept": inner, "single": (1, 1), "new": shape}[kind.space]
    assert kind.space != "new" or shape in {(1, 6), (5, 1)}
    assert found.data.min() == (2 * data.min() if name == "apply_pixel" else found.data.min())


def test_a_failure_shows_the_lines_of_the_script_only(runner: UdfRunner) -> None:
    code = "def inner(x):\n    return 1 / x\n\ndef reduce_time(df):\n    return inner(0)\n"
    with pytest.raises(UdfError) as caught:
        runner.run(Udf("reduce_time", code, "mine.py"), backscatter(), TIMES, BANDS, nothing)
    message = caught.value.message
    assert "ZeroDivisionError: division by zero" in message
    assert 'File "mine.py", line 5, in reduce_time\n    return inner(0)' in message
    assert 'File "mine.py", line 2, in inner\n    return 1 / x' in message
    assert "ogcserver" not in message and message.count("File ") == 2


@pytest.mark.parametrize(
    ("kind", "code", "message"),
    [
        ("reduce_time", "def reduce_time(df:\n", "SyntaxError"),
        ("reduce_time", "1 / 0", 'File "script.py", line 1'),
        ("reduce_time", "import nothing_like_this", "ModuleNotFoundError"),
        ("reduce_time", "def apply_pixel(df): return df", "must define a function reduce_time"),
        ("reduce_time", "reduce_time = 5", "must define a function reduce_time"),
        ("window_space", "def window_space(df): return df.mean()", "must set WINDOW"),
        ("window_space", "WINDOW = 2\ndef window_space(df): return df.mean()", "odd numbers from 1 to 255, not 2"),
        ("window_space", "WINDOW = (3, 3, 3)\ndef window_space(df): return df.mean()", "2 of them (y, x)"),
        ("window_space", "WINDOW = 'big'\ndef window_space(df): return df.mean()", "WINDOW must be an odd number"),
        ("window_space", "WINDOW = 7\ndef window_space(df): return df.mean()", "WINDOW is larger"),
        ("reduce_time", "def reduce_time(df): return df", "one value for each band"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_script_is_said(runner: UdfRunner, kind: str, code: str, message: str) -> None:
    with pytest.raises(UdfError) as caught:
        runner.run(Udf(kind, code), backscatter(), TIMES, BANDS, nothing)
    assert message in caught.value.message


def test_names_of_languages_and_kinds() -> None:
    assert udf_type("python", "reduce_time") is udf_type("Python", "reduce_time") is UDF_TYPES["reduce_time"]
    with pytest.raises(UdfLanguageUnsupported, match="use Python"):
        udf_type("R", "reduce_time")
    with pytest.raises(UdfTypeUnsupported, match="aggregate_time"):
        udf_type("Python", "aggregate_tim")


def test_tokens_tell_scripts_roles_and_owners_apart() -> None:
    udfs = [
        Udf("reduce_time", "x"),
        Udf("apply_pixel", "x"),
        Udf("reduce_time", "y"),
        Udf("reduce_time", "x", owner="b"),
    ]
    assert len({udf.token for udf in udfs}) == 4
    assert Udf("reduce_time", "x").token == udfs[0].token


def test_where_nothing_confines_a_script_none_is_run() -> None:
    off = open_runner(UdfLimits(), ())
    assert isinstance(off, NoUdfs) and not off.capability.available and off.capability.reason
    for call in (lambda: off.run(Udf("reduce_time", ""), backscatter(), TIMES, BANDS, nothing),
                 lambda: off.probe(Udf("reduce_time", ""), TIMES, BANDS, nothing)):  # fmt: skip
        with pytest.raises(UdfLanguageUnsupported, match="are off here"):
            call()


def test_a_mechanism_that_does_not_work_is_passed_over_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    opened = open_runner(UdfLimits(), ("bubblewrap", "namespaces", "landlock"))
    assert "bwrap is not installed" in opened.capability.reason
    assert opened.capability.mechanism != "bubblewrap"
    opened.close()
