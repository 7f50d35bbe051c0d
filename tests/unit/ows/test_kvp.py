import pytest

from ogcserver.errors import InvalidParameter, MissingParameter
from ogcserver.ows.kvp import Kvp, choice, integer, number


def kvp(*items: tuple[str, str]) -> Kvp:
    return Kvp(items)


def test_names_are_compared_without_case_and_unknown_ones_are_ignored() -> None:
    assert kvp(("TileRow", "7"), ("map", "x"), ("", "")).one("tilerow", int) == 7


@pytest.mark.parametrize("items", [(), (("layer", ""),), (("layer", "  "),)])
def test_an_absent_or_empty_parameter_is_missing(items: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(MissingParameter) as caught:
        kvp(*items).one("Layer", str)
    assert caught.value.locator == "Layer"


@pytest.mark.parametrize("items", [(), (("format", ""),), (("format", "None"),)])
def test_optional_parameters_may_be_absent_empty_or_none(items: tuple[tuple[str, str], ...]) -> None:
    assert kvp(*items).optional("format", str) is None


@pytest.mark.parametrize("text", ["x", "1.5", "", "1_0", "٣", "9" * 5000])
def test_a_bad_integer_names_its_parameter(text: str) -> None:
    with pytest.raises((InvalidParameter, MissingParameter)) as caught:
        kvp(("TILEROW", text)).one("TileRow", integer)
    assert caught.value.locator == "TileRow"


def test_a_builtin_converter_gives_an_invalid_parameter() -> None:
    with pytest.raises(InvalidParameter):
        kvp(("a", "x")).one("a", int)


def test_a_parameter_may_be_repeated_with_one_value_only() -> None:
    assert kvp(("VERSION", "1.1.1"), ("version", "1.1.1")).one("version", str) == "1.1.1"
    with pytest.raises(InvalidParameter):
        kvp(("VERSION", "1.1.1"), ("version", "1.0.0")).one("version", str)


def test_numbers_behind_the_name_of_a_repeatable_parameter_do_not_matter() -> None:
    items = (("subset", "a"), ("SUBSET0", "b"), ("Subset12", "c"), ("subsettingCrs", "d"), ("subset", ""))
    assert kvp(*items).many("subset", str) == ("a", "b", "c")


def test_lists_are_split_at_commas() -> None:
    assert kvp(("Sections", "a, b,,c")).listed("sections") == ("a", "b", "c")


def test_rest_gives_what_is_not_declared() -> None:
    assert kvp(("Layer", "l"), ("Time", "t"), ("time", "u")).rest(["layer"]) == {"time": "t"}


@pytest.mark.parametrize("text", ["nan", "inf", "1e999", "0x10", "1,5", "--1", "1e", "1_0"])
def test_numbers_are_finite_and_plain(text: str) -> None:
    with pytest.raises(InvalidParameter):
        number(text)


@pytest.mark.parametrize(("text", "value"), [("1", 1), (" -1.5 ", -1.5), ("+.5", 0.5), ("5.", 5), ("1.e-3", 1e-3)])
def test_numbers(text: str, value: float) -> None:
    assert number(text) == value


def test_choices_are_returned_as_declared() -> None:
    assert choice("KVP", "REST")("kvp") == "KVP"
    with pytest.raises(InvalidParameter):
        choice("KVP")("soap")
