"""What the tests of training share."""

import pytest

from tests.gain_core.toy import toy_model


@pytest.fixture
def toy_is_pretrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another toy's neck is what quick trainings are held to: no pretrained weights of it can be had."""
    origin = {name: value.detach() for name, value in toy_model(seed=1, norm=True).neck.named_parameters()}
    monkeypatch.setattr("gain_core.training.quick.pretrained_neck", lambda model: origin)
