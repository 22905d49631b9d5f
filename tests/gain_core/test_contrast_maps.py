"""What speaks for a class rather than for its rival."""

import pytest
import torch

from gain_core.errors import InputError
from gain_core.explain.gradcam import contrast_maps, explain_features
from tests.gain_core.tiny import images, tiny_model


def test_a_contrast_computed_by_hand() -> None:
    evidence = torch.tensor([[2.0, 1.0], [-1.0, 3.0]])
    of_rival = torch.tensor([[2.0, -4.0], [-3.0, 5.0]])  # the first place says as much for both: it is empty
    assert torch.equal(contrast_maps(evidence, of_rival), torch.tensor([[0.0, 5.0], [2.0, 0.0]]))
    with pytest.raises(InputError, match="evidence of one shape"):
        contrast_maps(evidence, of_rival[0])


@pytest.mark.parametrize("curved", [False, True], ids=["linear", "curved"])
def test_the_contrast_of_two_classes_is_the_map_of_the_difference_of_their_logits(curved: bool) -> None:
    model = tiny_model(curved)
    features = model.features(images(3)).detach().requires_grad_()
    logits = model.head(features)
    (gradient,) = torch.autograd.grad((logits[:, 2] - logits[:, 0]).sum(), features)
    weights = gradient.mean((2, 3))  # eq. 1 of s² − s⁰
    expected = torch.einsum("bk,bkhw->bhw", weights, features).relu()
    evidence = explain_features(model, model.trunk(images(3))).evidence
    assert expected.dtype == torch.float64
    assert expected.any()
    torch.testing.assert_close(
        contrast_maps(evidence[:, 2], evidence[:, 0]), expected, rtol=1e-10, atol=1e-12
    )
