"""JavaScript for components that tell actions: no page is left before the server has taken these up."""

from pathlib import Path

HOLDS_LEAVING = Path(__file__).with_suffix(".js").read_text("utf-8")
