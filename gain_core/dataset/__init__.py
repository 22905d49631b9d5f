"""Images with labels and guidance, and the features that quick training keeps of them."""

from typing import TYPE_CHECKING

from gain_core.lazy import exports

if TYPE_CHECKING:
    from gain_core.dataset.feature_cache import FeatureStore
    from gain_core.dataset.items import as_samples
    from gain_core.dataset.reading import guidance_maps
    from gain_core.dataset.sample import AlsoShown, Sample

__all__ = ["AlsoShown", "FeatureStore", "Sample", "as_samples", "guidance_maps"]

__getattr__, __dir__ = exports(
    __name__,
    (
        "gain_core.dataset.sample",
        "gain_core.dataset.items",
        "gain_core.dataset.reading",
        "gain_core.dataset.feature_cache",
    ),
    __all__,
)
