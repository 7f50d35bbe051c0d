"""Requirements of the OGC's documents of WCS 2.0, by number, and the tests that assert them.

Only numbers are here; the documents have the texts. They are those that the OGC's test suite for WCS 2.0.1 uses. Where
it has none, the list is short: get-kvp has the general requirements only, soap those with a test in the annex of
09-149r1, and the classes of 09-146r2 and 12-100r1 count as one requirement each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

Test = TypeVar("Test", bound=Callable[..., Any])

_SPEC = "http://www.opengis.net/spec"
_INT = f"{_SPEC}/WCS_service-extension_interpolation/1.0/conf"

CLASSES: dict[str, tuple[str, Iterable[int]]] = {
    f"{_SPEC}/WCS/2.0/conf/core": ("core", range(1, 44)),  # 09-110r4
    f"{_SPEC}/WCS_protocol-binding_get-kvp/1.0/conf/get-kvp": ("get-kvp", range(1, 4)),  # 09-147r3
    f"{_SPEC}/WCS_protocol-binding_post-xml/1.0/conf/post-xml": ("post-xml", range(1, 7)),  # 09-148r1
    f"{_SPEC}/WCS_protocol-binding_soap/1.0/conf/soap": ("soap", range(1, 9)),  # 09-149r1
    f"{_SPEC}/WCS_service-extension_crs/1.0/conf/crs": ("crs", range(1, 19)),  # 11-053r1
    f"{_SPEC}/WCS_service-extension_scaling/1.0/conf/scaling": ("scaling", range(1, 25)),  # 12-039
    f"{_SPEC}/WCS_service-extension_range-subsetting/1.0/conf/record-subsetting": ("rsub", range(1, 15)),  # 12-040
    f"{_INT}/interpolation": ("int", range(1, 10)),  # 12-049
    f"{_INT}/interpolation-nearest-neighbor": ("int", [19]),
    f"{_INT}/interpolation-linear": ("int", [21]),
    f"{_INT}/interpolation-cubic": ("int", [25]),
    f"{_SPEC}/GMLCOV/1.0/conf/gml-coverage": ("gml-coverage", [1]),  # 09-146r2, the class as a whole
    f"{_SPEC}/GMLCOV/1.0/conf/multipart": ("multipart", [1]),
    f"{_SPEC}/GMLCOV_geotiff-coverages/1.0/conf/geotiff-coverage": ("geotiff", [1]),  # 12-100r1, likewise
}
"""Conformance class -> what its requirements are called here, and their numbers."""


def asserts(**requirements: int | Iterable[int]) -> Callable[[Test], Test]:
    """Says which requirements a test asserts: ``@asserts(core=[30, 31], get_kvp=3)``."""
    named = {
        f"{name.replace('_', '-')}/{number}"
        for name, numbers in requirements.items()
        for number in ([numbers] if isinstance(numbers, int) else numbers)
    }

    def mark(test: Test) -> Test:
        test.requirements = named  # type: ignore[attr-defined]
        return test

    return mark
