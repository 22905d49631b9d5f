import copy
import hashlib
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from gain_core.dataset import feature_cache
from gain_core.dataset.feature_cache import FeatureStore
from gain_core.dataset.reading import pixels_of
from gain_core.dataset.sample import Sample
from gain_core.errors import InputError
from gain_core.models.classifier import build_classifier, default_spec
from tests.gain_core.toy import toy_model, toy_samples


@pytest.fixture
def seen(monkeypatch):
    """How many images went through a trunk at each time."""
    counts, real = [], feature_cache.trunk_output

    def counted(model, pixels):
        counts.append(len(pixels))
        return real(model, pixels)

    monkeypatch.setattr(feature_cache, "trunk_output", counted)
    return counts


@pytest.fixture
def samples(tmp_path):
    (tmp_path / "images").mkdir()
    return toy_samples(tmp_path / "images", train=6, other=2)


def test_each_image_goes_through_the_trunk_once(tmp_path, samples, seen):
    store = FeatureStore(tmp_path / "kept")
    first = store.get_or_compute(toy_model(), samples)
    again = store.get_or_compute(toy_model(), samples)
    assert sum(seen) == len(samples)
    assert torch.equal(first, again)


def test_features_are_the_trunks_output_in_half_precision_and_in_order(tmp_path, samples):
    model = toy_model()
    kept = FeatureStore(tmp_path / "kept").get_or_compute(model, samples, batch=4)
    assert (kept.shape, kept.dtype) == ((len(samples), 3, 4, 4), torch.float16)
    # toy images are flat cells: the trunk's mean colour of the first cell is the colour of its first pixel
    corners = [Image.open(s.path).getpixel((0, 0)) for s in samples]
    expected = (torch.tensor(corners) / 255 - 0.4) / 0.25
    assert torch.allclose(kept[:, :, 0, 0].float(), expected, atol=2e-3)


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-10], lambda b: b"", lambda b: b[:40] + bytes([b[40] ^ 1]) + b[41:]]
)
def test_a_damaged_entry_is_computed_again(tmp_path, samples, damage, seen):
    store = FeatureStore(tmp_path / "kept")
    whole = store.get_or_compute(toy_model(), samples)
    entry = next((tmp_path / "kept").rglob(f"{samples[3].key}*"))
    sound = entry.read_bytes()
    entry.write_bytes(damage(sound))
    assert torch.equal(store.get_or_compute(toy_model(), samples), whole)
    assert sum(seen) == len(samples) + 1
    assert entry.read_bytes() == sound


def test_another_trunk_has_entries_of_its_own(tmp_path, samples):
    store, model = FeatureStore(tmp_path / "kept"), toy_model()
    before = store.get_or_compute(model, samples)
    with torch.no_grad():
        model.trunk[1].weight.mul_(2)
    assert not torch.equal(store.get_or_compute(model, samples), before)


def test_another_head_shares_them(tmp_path, samples, seen):
    store = FeatureStore(tmp_path / "kept")
    store.get_or_compute(toy_model(seed=0), samples)
    store.get_or_compute(toy_model(seed=5), samples)
    assert sum(seen) == len(samples)


def test_one_session_is_made_of_a_trunk_and_none_for_a_few_images(tmp_path, monkeypatch):
    (tmp_path / "images").mkdir()
    many = toy_samples(tmp_path / "images", train=40, other=24)
    made, real = [], feature_cache.inference_model
    monkeypatch.setattr(feature_cache, "inference_model", lambda model: made.append(1) or real(model))
    store, model = FeatureStore(), toy_model()
    store.get_or_compute(model, many[:3])
    assert not made
    first = store.get_or_compute(model, many[:32])
    store.get_or_compute(toy_model(seed=5), many[32:])
    assert len(made) == 1
    with torch.no_grad():
        model.trunk[1].weight.mul_(2)
    assert not torch.equal(store.get_or_compute(model, many[:32]), first)
    assert len(made) == 2


def composite(shade):
    picture = Image.new("RGB", (8, 8), (shade, 0, 0))
    return Sample(hashlib.sha256(bytes([shade])).hexdigest(), Path(), 0, "train", picture=picture)


def test_composites_of_the_last_training_are_kept_and_others_forgotten(tmp_path, seen):
    store = FeatureStore(tmp_path / "kept", composites=tmp_path / "composites")

    def features(*shades):
        phases = store.computing_composites(toy_model(), [composite(shade) for shade in shades])
        while True:
            try:
                assert next(phases).name == "Making counter-examples"
            except StopIteration as end:
                return end.value

    first = features(10, 20, 30)
    again = features(20, 40, 10)
    assert seen == [3, 1]
    assert torch.equal(again[[2, 0]], first[:2])
    left = {path.stem for path in (tmp_path / "composites").rglob("*.features")}
    assert left == {composite(shade).key for shade in (10, 20, 40)}
    assert not (tmp_path / "kept").exists()


def test_equal_files_are_computed_once(tmp_path, samples, seen):
    kept = FeatureStore(tmp_path / "kept").get_or_compute(toy_model(), [samples[0], samples[1], samples[0]])
    assert sum(seen) == 2
    assert torch.equal(kept[0], kept[2])


def test_one_key_for_two_files_is_refused(tmp_path, samples):
    Image.new("RGB", (9, 9)).save(samples[1].path)
    samples[1] = replace(samples[1], key=samples[0].key)
    with pytest.raises(InputError, match=rf"{samples[1].title}: .* got that of {samples[0].title}"):
        FeatureStore().get_or_compute(toy_model(), samples)


def test_one_key_for_two_files_of_one_size_is_refused_and_for_two_copies_is_not(tmp_path, samples, seen):
    first, second = (replace(samples[n], path=tmp_path / f"{n}.bmp", key=samples[0].key) for n in (0, 1))
    for sample, colour in ((first, "red"), (second, "green")):
        Image.new("RGB", (9, 9), colour).save(sample.path)
    with pytest.raises(InputError, match=rf"{second.title}: .* got that of {first.title}"):
        FeatureStore().get_or_compute(toy_model(), [first, second])
    second.path.write_bytes(first.path.read_bytes())
    FeatureStore().get_or_compute(toy_model(), [first, second])
    assert sum(seen) == 1


def test_a_model_in_training_mode_is_left_as_it_was(samples):
    model = toy_model()
    model.trunk.append(torch.nn.BatchNorm2d(3))
    model.train()
    before = copy.deepcopy(model.state_dict())
    FeatureStore().get_or_compute(model, samples)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("scale", [1e5, float("nan")])
def test_features_that_half_precision_cannot_hold_are_refused_and_not_kept(tmp_path, samples, scale):
    model = toy_model()
    with torch.no_grad():
        model.trunk[1].weight.mul_(scale)
    with pytest.raises(InputError, match=rf"{samples[0].title}: expected features that float16 can hold"):
        FeatureStore(tmp_path / "kept").get_or_compute(model, samples)
    assert not (tmp_path / "kept").exists()


def test_a_folder_may_be_given_as_text(tmp_path, samples, seen):
    for folder in (tmp_path / "kept", str(tmp_path / "kept")):
        FeatureStore(folder).get_or_compute(toy_model(), [replace(s, path=str(s.path)) for s in samples])
    assert sum(seen) == len(samples)


def test_without_a_folder_nothing_is_kept(tmp_path, samples, seen):
    store = FeatureStore()
    store.get_or_compute(toy_model(), samples)
    store.get_or_compute(toy_model(), samples)
    assert sum(seen) == 2 * len(samples)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["images"]


def test_an_unreadable_image_is_named_and_what_was_done_is_kept(tmp_path, samples):
    samples[4].path.write_bytes(b"torn")
    with pytest.raises(InputError, match=r"train/4\.png"):
        FeatureStore(tmp_path / "kept").get_or_compute(toy_model(), samples, batch=2)
    kept = [path.stem for path in (tmp_path / "kept").rglob("*") if path.is_file()]
    assert sorted(kept) == sorted(sample.key for sample in samples[:4])


def test_a_failed_write_leaves_nothing(tmp_path, samples, monkeypatch):
    def full_disk(source, target):
        raise OSError("no space left on device")

    monkeypatch.setattr("gain_core.atomic.os.replace", full_disk)
    with pytest.raises(OSError, match="no space"):
        FeatureStore(tmp_path / "kept").get_or_compute(toy_model(), samples)
    assert [path for path in (tmp_path / "kept").rglob("*") if path.is_file()] == []


def test_progress_counts_the_images_that_had_to_be_read(tmp_path, samples):
    store, phases = FeatureStore(tmp_path / "kept"), []
    store.get_or_compute(toy_model(), samples[:3])
    store.get_or_compute(toy_model(), samples, phases.append, batch=4)
    assert [(p.done, p.total) for p in phases] == [(0, 7), (4, 7), (7, 7)]


def test_two_stores_may_fill_one_folder_at_once(tmp_path, samples):
    results = [None, None]

    def fill(number):
        results[number] = FeatureStore(tmp_path / "kept").get_or_compute(toy_model(), samples, batch=1)

    threads = [threading.Thread(target=fill, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torch.equal(results[0], results[1])  # type: ignore[arg-type]


def test_kept_features_give_the_logits_that_the_images_give(tmp_path):
    model = build_classifier(default_spec("tf_efficientnet_lite0", ("a", "b"), image_size=64))
    Image.effect_mandelbrot((80, 60), (-2, -1, 1, 1), 50).convert("RGB").save(tmp_path / "image.png")
    key = hashlib.sha256((tmp_path / "image.png").read_bytes()).hexdigest()
    sample = Sample(key, tmp_path / "image.png", 0, "train")
    kept = FeatureStore(tmp_path / "kept").get_or_compute(model, [sample])
    with torch.inference_mode():
        direct = model(pixels_of([sample], model.spec))
        via_kept = model.head(model.neck(kept.float()))
    assert kept.shape == (1, 320, 2, 2)
    assert torch.allclose(via_kept, direct, atol=2e-3)
