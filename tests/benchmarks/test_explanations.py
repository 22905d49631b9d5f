"""The comparison of explanations runs on a small set, and its figures are those of its maps."""

import json
from pathlib import Path

import pytest

from benchmarks import explanations
from gain_core.explain.methods import METHODS
from tests.benchmarks.test_segmentation import indexed
from tests.gain_core.toy import toy_model

__all__ = ["indexed"]


def test_every_method_has_a_row_with_intervals(
    indexed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(explanations, "build_classifier", lambda spec, seed: toy_model(seed))
    monkeypatch.setattr(explanations, "trained", lambda collection, options: toy_model())
    monkeypatch.setattr(explanations, "predicted_right", lambda model, photographs, options: photographs)
    out = tmp_path / "out.json"
    explanations.main(["--data", str(indexed), "--json", str(out), "--images", "2"])
    document = json.loads(out.read_text())
    names = {row["method"] for row in document["rows"]}
    assert names == {*METHODS, *explanations.YARDSTICKS}
    assert document["refused"] == {}
    ranked = [row["faithfulness"]["mean"] for row in document["rows"]]
    assert ranked == sorted(ranked, reverse=True)
    for row in document["rows"]:
        assert row["n"] == 2
        assert 0 <= row["energy"]["mean"] <= 1
        low, high = row["pointing"]["interval"]
        assert low <= row["pointing"]["mean"] <= high
    grad_cam = next(row for row in document["rows"] if row["method"] == "grad_cam")
    assert grad_cam["faithfulness"]["over_grad_cam"]["mean"] == 0
    table = capsys.readouterr().out
    assert all(name in table for name in names)


def test_the_model_is_trained_and_only_what_it_predicts_right_is_explained(
    indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explanations, "build_classifier", lambda spec, seed: toy_model(seed))
    monkeypatch.setattr(explanations, "default_spec", lambda *_, **__: None)
    collection = explanations.read_collection(indexed)
    options = explanations.read_options(["--data", str(indexed), "--json", "x", "--images", "1"])
    model = explanations.trained(collection, options)
    assert not model.training
    assert len(explanations.predicted_right(model, collection.of("train"), options)) == 1
