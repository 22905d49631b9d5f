"""Settings as version 0.1 stored them, without nesting: its runs are still shown, and waiting ones start."""

from collections.abc import Mapping
from typing import Any

# For each term: today's name of a setting and the flat one.
_FLAT = {
    "maps": {"scale": "map_scale", "detach_scale": "detach_scale", "second_order": "second_order"},
    "mining": {
        "weight": "mining_weight",
        "sigma": "mask_sigma",
        "omega": "mask_omega",
        "place": "mask_place",
        "score": "mining_score",
    },
    "external": {"weight": "external_weight", "resolution": "external_resolution"},
    "signed": {"weight": "signed_weight", "detach_scale": "detach_scale", "second_order": "second_order"},
    "guided": {name: name for name in ("label_weight", "inside_weight", "outside_weight")},
    "counter_examples": {
        "weight": "composite_weight",
        "background_weight": "background_weight",
        "batch_size": "composite_batch_size",
        "per_region": "composites_per_region",
    },
}
_MOVED = {"form", *(old for names in _FLAT.values() for old in names.values())}


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings stored by any version, nested as `TrainConfig.to_dict` nests them. Values are not checked."""
    if "form" not in values:
        return dict(values)
    flat = {
        term: {new: values[old] for new, old in names.items() if old in values}
        for term, names in _FLAT.items()
    }
    form, made, maps = values["form"], flat["counter_examples"], {"maps": flat["maps"]}
    # Without a batch size for counter-examples, `background_weight` was that of another term.
    composed = "batch_size" in made and (made.get("weight") or made.get("background_weight"))
    mined = values.get("mode") == "full" and flat["mining"].get("weight", 1.0) > 0  # quick mode ignored α
    objective: dict[str, Any] = {"name": form}
    if form == "guided":
        objective |= flat["guided"] | {"counter_examples": made if composed else None}
    elif form == "gainext":
        objective["external"] = flat["external"] | maps
    elif form == "signed":
        objective |= flat["signed"]
    if form != "none":
        objective["mining"] = flat["mining"] | maps if mined else None
    return {name: value for name, value in values.items() if name not in _MOVED} | {"objective": objective}
