import pytest

from ogcserver.errors import InvalidSubset
from ogcserver.wcs.syntax import parse_subset
from ogcserver.wcs.times import ansi_date, choose_times
from tests.unit.wcs.fakes import TIMES

MONTHS = ("2017-01-01T00:00:00Z/2017-02-01T00:00:00Z", "2017-02-01T00:00:00Z/2017-03-01T00:00:00Z")


def chosen(text: str, labels: tuple[str, ...] = TIMES) -> list[int]:
    return [labels.index(label) for label in choose_times(labels, parse_subset(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('ansi("2017-01-05")', [0]),
        ("ansi(2017-01-05)", [0]),
        ('ansi("2017-01-05T10:20:31Z")', [0]),
        ('ansi("2017-01-05T10:20:31.000Z")', [0]),
        ('ansi("2017-01-05T11:20:31+01:00")', [0]),
        ('ansi("2017-02")', [3]),
        ('ansi("2017-01-15T16:00:00Z")', [2]),
        ("ansi(151946)", [0]),
        (f"ansi({ansi_date(TIMES[1])!r})", [1]),
        ('ansi("2017-01-05","2017-01-15")', [0, 1, 2]),
        ('ansi("2017-01","2017-01")', [0, 1, 2]),
        ('ansi("2017","2017")', [0, 1, 2, 3]),
        ('ansi(*,"2017-01-10")', [0]),
        ('ansi("2017-01-16",*)', [3]),
        ("ansi(*,*)", [0, 1, 2, 3]),
        ('ansi("0001","9999")', [0, 1, 2, 3]),
    ],
)
def test_instants(text: str, expected: list[int]) -> None:
    assert chosen(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ansi(2017-02-01)", [1]),
        ("ansi(2017-01)", [0]),
        ("ansi(2017-01-20)", [0]),
        ("ansi(2017-02-01,2017-02-28)", [1]),
    ],
)
def test_spans_hold_their_start_but_not_their_end(text: str, expected: list[int]) -> None:
    assert chosen(text, MONTHS) == expected


@pytest.mark.parametrize(
    "text",
    [
        "ansi(2017-01)",  # three of them
        "ansi(2018)",
        "ansi(2017-03-01,2017-02-01)",
        "ansi(yesterday)",
        "ansi(2017-13)",
        "ansi(0000)",
        "ansi(9999999)",
        "ansi(5)",
    ],
)
def test_times_that_choose_nothing_or_too_much(text: str) -> None:
    with pytest.raises(InvalidSubset):
        chosen(text)
