"""A quick training that was stopped, on the toy set: it goes on as if it had not been."""

from dataclasses import replace

import pytest
import torch

from gain_core.errors import CheckpointError
from gain_core.events import Step
from gain_core.training.trainer import train
from tests.gain_core.methods import method
from tests.gain_core.test_quick import COMPOSED, FAST, same_state, trained
from tests.gain_core.toy import toy_model, toy_samples


@pytest.fixture
def samples(tmp_path):
    (tmp_path / "images").mkdir()
    return toy_samples(tmp_path / "images")


@pytest.mark.parametrize("stop_after", [1, 7, 10])
@pytest.mark.parametrize("config", [FAST, replace(FAST, train_norms=True), COMPOSED])
def test_a_stopped_training_goes_on_as_if_it_had_never_stopped(samples, tmp_path, stop_after, config):
    whole, events = trained(samples, config)
    path = tmp_path / "checkpoint.pt"
    running = train(toy_model(norm=True), samples, config, checkpoint=path)
    seen = []
    for event in running:
        seen += [event.losses["total"]] if isinstance(event, Step) else []
        if len(seen) == stop_after:
            running.close()
    resumed, rest = trained(samples, config, checkpoint=path)
    seen += [event.losses["total"] for event in rest if isinstance(event, Step)]
    assert same_state(resumed, whole)
    assert seen == [event.losses["total"] for event in events if isinstance(event, Step)]


def test_a_killed_training_goes_on_from_its_last_checkpoint(samples, tmp_path):
    config = replace(FAST, checkpoint_every=4)
    whole, _ = trained(samples, config)
    path = tmp_path / "checkpoint.pt"
    running = train(toy_model(norm=True), samples, config, checkpoint=path)
    for event in running:
        if isinstance(event, Step) and event.step == 6:
            at_kill = path.read_bytes()
    path.write_bytes(at_kill)  # what a process killed after step 6 leaves
    resumed, events = trained(samples, config, checkpoint=path)
    assert next(event for event in events if isinstance(event, Step)).step == 5
    assert same_state(resumed, whole)


def test_a_finished_training_has_nothing_left_to_do(samples, tmp_path):
    path = tmp_path / "checkpoint.pt"
    whole, _ = trained(samples, FAST, checkpoint=path)
    resumed, events = trained(samples, FAST, checkpoint=path)
    assert not [event for event in events if isinstance(event, Step)]
    assert same_state(resumed, whole)


@pytest.mark.parametrize("change", ["guidance", "config", "trunk", "head", "trained", "cut", "flipped bit"])
def test_a_checkpoint_of_another_training_is_refused_and_changes_nothing(samples, tmp_path, change):
    path = tmp_path / "checkpoint.pt"
    trained(samples, FAST, checkpoint=path)
    config, model = FAST, toy_model(norm=True)
    if change == "guidance":
        samples[9] = replace(samples[9], look=samples[1].look)
    elif change == "config":
        config = replace(FAST, objective=method("guided", outside_weight=4.0))
    elif change == "trunk":
        with torch.no_grad():
            model.trunk[1].bias.add_(1)
    elif change == "head":
        with torch.no_grad():
            model.head.linear.bias.add_(1)
    elif change == "trained":
        model, _ = trained(samples, FAST)
    elif change == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    else:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(CheckpointError, match="expected a"):
        list(train(model, samples, config, checkpoint=path))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
