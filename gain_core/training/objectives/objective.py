"""The base class of training methods: streams, terms, settings, and the texts on the page."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, get_args

from gain_core.errors import ConfigError
from gain_core.training.objectives.term_settings import CounterExamples, Mining
from gain_core.training.settings import check_values, read_settings

if TYPE_CHECKING:
    from gain_core.training.batch import Batch, Losses

Mode = Literal["quick", "full"]
Stream = Literal["plain", "guided"]  # counter-examples are drawn where there are settings for them

MODES: tuple[Mode, ...] = get_args(Mode)
OBJECTIVES: dict[str, type["Objective"]] = {}  # by key


@dataclass(frozen=True, slots=True)
class Words:
    """The texts on the page about a method."""

    name: str
    sentence: str  # what it does with the regions; without a full stop
    needs: str  # what must be there before it can be trained
    losses: Mapping[str, str] = field(default_factory=dict)  # its terms by key, for the legend of the curves


@dataclass(frozen=True)
class Objective(ABC):
    """One training method. Its fields are its settings; ConfigError for impossible values.

    A subclass sets `key`, `words` and the streams that a step draws; `losses` computes its weighted terms.
    """

    key: ClassVar[str]  # its name in stored runs
    words: ClassVar[Words]
    modes: ClassVar[tuple[Mode, ...]] = MODES
    streams: ClassVar[tuple[Stream, ...]] = ("plain", "guided")
    # Whether it can be trained in shuffled passes over all images (`sampling` "epochs").
    epochs: ClassVar[bool] = True
    several_labels: ClassVar[bool] = True  # whether it can learn from images that show several classes

    def __post_init__(self) -> None:
        check_values(self)

    @classmethod
    def for_mode(cls, mode: Mode) -> "Objective":
        """The app's settings for this mode. ConfigError for a mode that the method does not have."""
        objective = cls()
        objective.expect_mode(mode)
        return objective

    @property
    def sentence(self) -> str:
        """What it does with the regions with the present settings; without a full stop."""
        return self.words.sentence

    @property
    def mining(self) -> Mining | None:
        """Settings of α L_am, eq. 6 and 8; None: no such term."""
        return None

    @property
    def counter_examples(self) -> CounterExamples | None:
        """Settings of counter-examples; None: none are made."""
        return None

    @property
    def guessed_outlines(self) -> int:
        """The largest number of training images that get a guessed outline."""
        return 0

    @property
    def needs_guidance(self) -> bool:
        """Whether it needs at least one guided image."""
        return True

    def for_several_labels(self) -> "Objective":
        """This objective with the app's settings for images that show several classes."""
        return self

    @abstractmethod
    def losses(self, batch: "Batch") -> "Losses":
        """The weighted terms of one step by name, scalars; their sum is minimised."""

    def expect_mode(self, mode: Mode) -> None:
        """ConfigError where these settings cannot be trained in this mode."""
        if mode not in self.modes:
            raise ConfigError(f"objective: expected one of {mode} mode, got {self.key!r}")
        if mode == "quick" and self.mining is not None:
            raise ConfigError(
                "mining: expected None in quick mode, which keeps features and never sees an image again, "
                f"got {self.mining}"
            )

    def images_of_a_step(self, labelled: int, guided: int) -> list[str]:
        """The images of a step, as texts for the page; labelled, guided: how many of each are drawn."""
        return [f"{guided} guided images", f"{labelled} labelled images"]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `read_objective` gives the same objective back."""
        return {"name": self.key, **asdict(self)}


Kind = TypeVar("Kind", bound=type[Objective])


def register(kind: Kind) -> Kind:
    """Class decorator: adds a method to OBJECTIVES, where stored runs, the page and `TrainConfig` look."""
    OBJECTIVES[kind.key] = kind
    return kind


def objective_named(name: object) -> type[Objective]:
    """The method with this key. ConfigError for an unknown one."""
    if not isinstance(name, str) or name not in OBJECTIVES:
        raise ConfigError(f"objective: expected one of {tuple(OBJECTIVES)}, got {name!r}")
    return OBJECTIVES[name]


def read_objective(values: object) -> Objective:
    """Undo `Objective.to_dict`. ConfigError for an unknown name or key, or an impossible value."""
    if not isinstance(values, Mapping):
        raise ConfigError(f"objective: expected a name with its settings, got {values!r}")
    settings = {name: value for name, value in values.items() if name != "name"}
    return read_settings(objective_named(values.get("name")), settings)
