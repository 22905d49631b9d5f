"""What the page has written to its own address, so that a change somebody makes there is noticed."""

import time
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

ON_ITS_WAY = 2.0  # seconds in which a browser may still send the previous address


@dataclass(slots=True)
class Address(Generic[T]):
    """A part of the page's address, as last written or read: the image, or the filters."""

    now: T | None = None  # last written there
    replaced: set[T] = field(default_factory=set)  # those before it, since the page was last drawn
    left: dict[T, float] = field(
        default_factory=dict
    )  # others that we wrote: when the page was drawn without

    def write(self, value: T) -> None:
        """Before the address itself is changed: that may end this run of the page for the next."""
        if self.now is not None and self.now != value:
            self.replaced.add(self.now)
        self.now = value

    def drawn(self) -> None:
        """The page is drawn: a key that was pressed meanwhile comes only now, with an address before."""
        self.left.update(dict.fromkeys(self.replaced, time.monotonic()))
        self.replaced.clear()

    def is_news(self, value: T) -> bool:
        """Whether somebody has changed the address. What the browser sends with a key that was pressed before
        it knew the newest address is no news, or quick keys would go back.
        """
        if value == self.now or value in self.replaced:
            return False
        return time.monotonic() - self.left.get(value, -ON_ITS_WAY) >= ON_ITS_WAY
