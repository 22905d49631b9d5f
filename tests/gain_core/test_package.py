import subprocess
import sys
import types
from importlib import import_module

import pytest

import gain_core

ROOMS = ("models", "explain", "losses", "training", "dataset", "imaging", "segmentation")
PACKAGES = [gain_core, *(import_module(f"gain_core.{room}") for room in ROOMS)]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_every_public_name_is_there_and_none_is_a_module(package: types.ModuleType) -> None:
    assert set(package.__all__) == set(dir(package))
    for name in package.__all__:
        assert not isinstance(getattr(package, name), types.ModuleType)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = package.nothing


def test_a_name_is_not_hidden_by_a_module_that_was_imported_first() -> None:
    program = """
import types
import gain_core.explain.dataset_maps, gain_core.training.quick, gain_core.training.trainer
from gain_core.explain import explain
from gain_core.training import train
assert not isinstance(explain, types.ModuleType) and not isinstance(train, types.ModuleType)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_an_error_an_event_and_a_config_can_be_had_without_waiting_for_torch() -> None:
    program = """
import sys
from gain_core import GainError, TrainConfig
from gain_core.training import Step, event_to_dict
sys.exit('torch' in sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
