import subprocess
import sys

import pytest

import gain_core


def test_every_public_name_is_there() -> None:
    for name in gain_core.__all__:
        assert getattr(gain_core, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = gain_core.nothing


def test_the_package_lists_its_public_names() -> None:
    assert set(gain_core.__all__) <= set(dir(gain_core))


def test_what_public_functions_give_and_take_is_public_too() -> None:
    for name in (
        "Overlap",
        "DatasetMaps",
        "InsideOutside",
        "Parts",
        "Count",
        "MapStatistics",
        "Refused",
        "Step",
        "Validation",
        "Phase",
        "guidance_maps",
    ):
        assert name in gain_core.__all__


def test_no_public_name_is_taken_for_the_module_of_that_name() -> None:
    """A module that is imported becomes an attribute of its package, before any function of that name."""
    program = """
import types, gain_core
for name in gain_core.__all__:
    given = {}
    exec(f"from gain_core import {name}", given)
    assert not isinstance(given[name], types.ModuleType), name
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_an_error_an_event_and_a_config_can_be_had_without_waiting_for_torch() -> None:
    names = "GainError, TrainConfig, Step, event_to_dict"
    program = f"import sys; from gain_core import {names}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
