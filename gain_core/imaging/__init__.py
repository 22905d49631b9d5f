"""Pictures: reading them safely, drawing shapes into masks, colouring maps."""

from typing import TYPE_CHECKING

from gain_core.lazy import exports

if TYPE_CHECKING:
    from gain_core.imaging.overlay import colour_map
    from gain_core.imaging.pictures import open_rgb, upright_size
    from gain_core.imaging.raster import shapes_png
    from gain_core.imaging.resize import area_average

__all__ = ["area_average", "colour_map", "open_rgb", "shapes_png", "upright_size"]

__getattr__, __dir__ = exports(
    __name__,
    (
        "gain_core.imaging.raster",
        "gain_core.imaging.pictures",
        "gain_core.imaging.overlay",
        "gain_core.imaging.resize",
    ),
    __all__,
)
