from dataclasses import replace

import pytest
import torch
from PIL import Image

from gain_core.errors import InputError
from gain_core.features import FeatureStore
from gain_core.predict import predict
from tests.gain_core.toy import draw, toy_model, toy_samples


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
    judged = replace(samples[0], key="both", path=path, look=None, object_mask=mask)
    assert predict(red_model(), [judged])[0].attention_inside == pytest.approx(0.5, abs=1e-3)


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
