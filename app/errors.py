"""What a use case refuses, in plain sentences: the message is what the page shows.

Views catch `ServiceError`, `db.errors.DatabaseError` and `gain_core.errors.GainError`, and nothing else.
"""


class ServiceError(Exception):
    """Base of every error a service raises on purpose; its text is written for the person at the page."""


class ImportRefusedError(ServiceError):
    """The import as a whole cannot become a project; nothing of it was kept."""


class FileRefusedError(ServiceError):
    """One file of an import cannot be used; its text is the reason, a sentence about "the file"."""


class ImportCancelledError(ServiceError):
    """The caller's progress callback asked to stop; nothing of the import was kept."""


class DrawingError(ServiceError):
    """A drawing cannot be turned into regions: it is not what our canvas tools make."""


class MissingFileError(ServiceError):
    """A stored image or mask is gone from the data folder, or can no longer be read."""


class EmptyMapError(ServiceError):
    """An attention map shows no place, so there is nothing to call right or wrong."""
