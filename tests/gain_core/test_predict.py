from dataclasses import replace

import pytest
import torch
from PIL import Image

from gain_core.analysis.predict import predict
from gain_core.dataset.feature_cache import FeatureStore
from gain_core.errors import InputError
from tests.gain_core.toy import draw, toy_model, toy_samples

# Toy images alternate in class; in the training split the ground follows the class, elsewhere every second.
GREY = {"train/0.png", "train/2.png", "train/4.png"} | {
    f"{split}/{number}.png" for split in ("validation", "test") for number in (0, 1)
}


@pytest.fixture
def samples(tmp_path):
    (tmp_path / "images").mkdir()
    return toy_samples(tmp_path / "images", train=6, other=2, guided=2)


def red_model():
    """Feature 0 is redness, feature 1 greenness; each class's logit is the mean of its own."""
    model = toy_model()
    with torch.no_grad():
        weight, bias = model.neck[0].weight, model.neck[0].bias
        for parameter in (weight, bias, model.head.linear.weight, model.head.linear.bias):
            parameter.zero_()
        weight[0, :, 0, 0] = torch.tensor([1.0, -1.0, 0.0])
        weight[1, :, 0, 0] = torch.tensor([-1.0, 1.0, 0.0])
        model.head.linear.weight[0, 0] = model.head.linear.weight[1, 1] = 8.0
    return model


def test_there_is_one_prediction_for_each_sample_in_order(samples):
    predictions = predict(red_model(), samples)
    assert [p.key for p in predictions] == [s.key for s in samples]
    for prediction, sample in zip(predictions, samples, strict=True):
        assert sum(prediction.probabilities) == pytest.approx(1)
        assert prediction.probabilities[sample.label] > 0.6


def test_a_model_that_looks_at_the_object_alone_has_all_attention_inside(samples):
    predictions = predict(red_model(), samples)
    assert predictions[0].attention_inside == pytest.approx(1)
    assert [p.attention_inside for p in predictions[2:]] == [None] * 8


def test_attention_is_that_of_the_true_class_not_of_the_predicted_one(samples):
    wrong = [replace(sample, label=1 - sample.label) for sample in samples]
    assert predict(red_model(), wrong)[0].attention_inside is None  # no evidence for green anywhere


def test_half_the_attention_may_lie_inside(tmp_path, samples):
    mask = tmp_path / "mask.png"
    _, two_cells = draw(tmp_path, "other", 0, 0, 1)
    mask.write_bytes(two_cells)
    path, _ = draw(tmp_path, "here", 0, 0, 1)
    with Image.open(path) as picture:
        both = picture.copy()
    both.paste((210, 40, 40), (0, 0, 16, 16))  # a second red cell, outside the mask
    both.save(path)
    judged = replace(samples[0], key="b" * 64, path=path, look=None, object_mask=mask)
    assert predict(red_model(), [judged])[0].attention_inside == pytest.approx(0.5, abs=1e-3)


def test_the_evidence_for_what_is_said_is_measured_too(samples):
    said_red = predict(red_model(), samples)[0]
    assert said_red.evidence_inside == said_red.attention_inside
    called_green = replace(samples[0], label=1)
    wrong = predict(red_model(), [called_green])[0]
    assert wrong.predicted == 0
    assert (wrong.attention_inside, wrong.evidence_inside) == (None, pytest.approx(1))


@pytest.mark.parametrize("multi_label", [False, True])
def test_evidence_groups_are_made_from_all_but_the_test_images(samples, multi_label):
    model = red_model()
    model.spec = replace(model.spec, multi_label=multi_label)
    groups = [
        (sample.split, p.evidence_group) for sample, p in zip(samples, predict(model, samples), strict=True)
    ]
    assert set(groups) == {("train", 0), ("validation", 0), ("test", None)}  # too few for a second group


def test_images_of_one_class_are_grouped_by_what_was_looked_at(samples):
    model = red_model()
    with torch.no_grad():  # features 2 and 3: the grey ground and the blue one, both taken for red
        model.neck[0].weight[2, :, 0, 0] = torch.tensor([0.0, 0.0, -1.0])
        model.neck[0].weight[3, :, 0, 0] = torch.tensor([0.0, 0.0, 1.0])
        model.neck[0].weight[0] = model.neck[0].weight[1] = 0
        model.head.linear.weight[0, 2:4] = 8.0
    many = [replace(sample, split="train") for sample in samples] * 4
    predictions = predict(model, many)
    grey = {p.evidence_group for s, p in zip(many, predictions, strict=True) if s.name in GREY}
    blue = {p.evidence_group for s, p in zip(many, predictions, strict=True) if s.name not in GREY}
    assert len(grey) == len(blue) == 1
    assert grey != blue


def test_a_model_that_says_nothing_has_no_groups(samples):
    model = red_model()
    with torch.no_grad():
        model.head.linear.weight.zero_()
    assert {p.evidence_group for p in predict(model, samples)} == {None}


def test_predictions_from_kept_features_are_the_same(tmp_path, samples):
    store = FeatureStore(tmp_path / "kept")
    computed = predict(red_model(), samples, store)
    for sample in samples:
        sample.path.unlink()
    assert predict(red_model(), samples, store) == computed


def test_independent_classes_have_independent_probabilities(samples):
    model = red_model()
    model.spec = replace(model.spec, multi_label=True)
    probabilities = predict(model, samples)[0].probabilities
    assert probabilities[1] == pytest.approx(0.5)  # logit 0
    assert probabilities[0] > 0.5


def test_an_unreadable_image_is_named(samples):
    samples[1].path.write_bytes(b"torn")
    with pytest.raises(InputError, match=r"train/1\.png"):
        predict(red_model(), samples)


def test_no_samples_give_no_predictions():
    assert predict(red_model(), []) == []


def test_a_wrong_label_in_training_is_doubted_and_nothing_else_is(tmp_path):
    (tmp_path / "images").mkdir()
    samples = toy_samples(tmp_path / "images", train=24, other=4, guided=0)
    samples[5] = replace(samples[5], label=1 - samples[5].label)

    predictions = predict(toy_model(), samples)

    assert [p.label for p in predictions] == [s.label for s in samples]
    assert (predictions[5].label_rival, predictions[5].label_doubt) == (1 - samples[5].label, 1.0)
    others = [p for n, p in enumerate(predictions) if n != 5]
    assert max(p.label_doubt or 0.0 for p in others) <= 0.1
    assert {p.label_doubt for p, s in zip(predictions, samples, strict=True) if s.split != "train"} == {None}


def test_classes_that_do_not_exclude_each_other_are_not_doubted(tmp_path):
    (tmp_path / "images").mkdir()
    samples = toy_samples(tmp_path / "images", train=24, other=2, guided=0)
    samples[5] = replace(samples[5], label=1 - samples[5].label)
    model = toy_model()
    model.spec = replace(model.spec, multi_label=True)
    assert {p.label_doubt for p in predict(model, samples)} == {None}
