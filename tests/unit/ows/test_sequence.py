import pytest

from ogcserver.errors import InvalidParameter
from ogcserver.ows.sequence import UpdateSequence
from tests.unit.wcs.fakes import fake_layers


def test_the_same_layers_have_the_same_sequence() -> None:
    one, other = fake_layers(), fake_layers()
    assert UpdateSequence.of(3, one) == UpdateSequence.of(3, other)
    assert UpdateSequence.of(3, one).known_to(str(UpdateSequence.of(3, other)))


def test_a_write_elsewhere_leaves_the_document_current() -> None:
    assert UpdateSequence.of(4, fake_layers()).known_to(str(UpdateSequence.of(3, fake_layers())))


def test_other_layers_make_it_old() -> None:
    before = str(UpdateSequence.of(3, fake_layers()[1:]))
    assert not UpdateSequence.of(3, fake_layers()).known_to(before)
    assert not UpdateSequence.of(4, fake_layers()).known_to(before)


@pytest.mark.parametrize("text", [f"4-{'0' * 16}", "", "3", "x", f"-1-{'0' * 16}"])
def test_what_was_never_a_sequence_or_is_newer_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameter):
        UpdateSequence.of(3, fake_layers()).known_to(text)
