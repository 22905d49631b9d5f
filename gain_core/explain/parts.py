"""What a network says of pictures of which only a part is left. Needs no torch.

What is taken away becomes 0 in normalised pixels, the mean colour of the backbone's data, as in training:
`masking.erase` (eq. 3).
"""

from gain_core.models.inference import InferenceModel, Numbers


def logits_of_parts(model: InferenceModel, images: Numbers, left: Numbers) -> Numbers:
    """(B, C): of preprocessed images (B, 3, S, S), float32; left: (S, S) or (B, 1, S, S) in [0, 1], 0 where
    nothing of the image is left.
    """
    return model.evidence_maps(images * left).logits
