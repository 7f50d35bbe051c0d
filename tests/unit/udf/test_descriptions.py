"""User-defined functions as the job API describes them."""

from __future__ import annotations

import json
import platform

import pytest

from ogcserver.errors import UdfLanguageUnsupported, UdfTypeUnsupported
from ogcserver.udf.descriptions import runtimes, udf_description
from ogcserver.udf.types import UDF_TYPES


def test_runtimes_list_types_and_packages_with_versions() -> None:
    python = runtimes()["Python"]
    assert set(python["udf_types"]) == set(UDF_TYPES)
    packages = python["versions"][platform.python_version()]["packages"]
    assert any(package.startswith("pandas_") for package in packages)
    assert json.loads(json.dumps(runtimes())) == runtimes()


def test_there_are_none_where_they_are_off() -> None:
    assert runtimes(available=False) == {}


@pytest.mark.parametrize("name", sorted(UDF_TYPES))
def test_a_type_is_described_as_a_process(name: str) -> None:
    found = udf_description("python", name)
    assert found["process_id"] == f"/udf/Python/{name}"
    assert set(found["args"]) == {"imagery", "script"}
    assert f"{name}(df)" in found["description"] and f"{name}_array(cube)" in found["description"]
    assert ("WINDOW" in found["description"]) == name.startswith("window")


def test_others_are_refused_by_name() -> None:
    with pytest.raises(UdfLanguageUnsupported):
        udf_description("R", "reduce_time")
    with pytest.raises(UdfTypeUnsupported):
        udf_description("Python", "chunkreduce_time")
