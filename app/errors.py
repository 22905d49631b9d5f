"""Errors of the use cases. The page shows their message."""

from db.errors import DatabaseError
from gain_core.errors import GainError


class ServiceError(Exception):
    """Base of every error that a service raises on purpose; its message is shown to the user."""


class ImportRefusedError(ServiceError):
    """The import failed as a whole; nothing was stored."""


class FileRefusedError(ServiceError):
    """One file of an import cannot be used; its text is the reason, a sentence about "the file"."""


class ImportCancelledError(ServiceError):
    """The caller's progress callback asked to stop; nothing of the import was kept."""


class DrawingError(ServiceError):
    """A drawing cannot be converted to regions: our canvas tools do not make such shapes."""


class MissingFileError(ServiceError):
    """A stored file is missing from the data folder or damaged."""


class MissingPhotographError(MissingFileError):
    """The file of an image is missing from the data folder or damaged."""


class EmptyMapError(ServiceError):
    """An attention map is empty, so it cannot be judged."""


# What pages, commands and processes catch and tell people; any other exception is a bug.
EXPECTED = (ServiceError, DatabaseError, GainError)
