"""Errors for a caller's mistake or a bad file; any other exception is a bug."""


class GainError(Exception):
    """Base of every error of this package; its text is a sentence a user may read."""


class BackboneError(GainError):
    """The backbone is unknown, not convolutional, cannot do this, or its weights cannot be loaded."""


class CheckpointError(GainError):
    """A model file is missing, truncated, foreign, or does not fit the model it names."""


class UnwritableError(CheckpointError):
    """A model file or checkpoint cannot be written: no room, no permission, no such place."""


class ConfigError(GainError):
    """A configuration holds an unknown key or a value out of range."""


class ProcessEndedError(GainError):
    """Another process of the same work has ended or does not answer; the cause is told by that one."""


class InputError(GainError):
    """An image, mask, class index or tensor does not have the expected form."""
