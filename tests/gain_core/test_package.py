import subprocess
import sys

import pytest

import gain_core


def test_every_public_name_is_there() -> None:
    for name in gain_core.__all__:
        assert getattr(gain_core, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = gain_core.nothing


def test_an_error_can_be_caught_without_waiting_for_torch() -> None:
    program = "import sys; from gain_core import GainError; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
