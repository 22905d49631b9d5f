"""What the database package raises. Every message is a plain sentence that may be shown to the user."""

from sqlalchemy.exc import DontWrapMixin


class DatabaseError(Exception):
    """Base of every error of this package."""


class UnavailableError(DatabaseError):
    """The database could not be reached or stayed locked. Calling again later is safe and may work."""


class NewerDatabaseError(DatabaseError):
    """The database has a schema this program does not know."""


class NotFoundError(DatabaseError):
    """No such row, or it belongs to another project."""


class DuplicateNameError(DatabaseError):
    """The name is taken."""


class TooLongError(DatabaseError, DontWrapMixin):
    """A name has more characters than its column; nothing was stored."""


class ConflictError(DatabaseError):
    """Somebody else changed the same thing since it was read; nothing was stored."""


class RunRefusedError(DatabaseError):
    """The run cannot be queued, retried or cancelled in the state it is in."""


class LostLeaseError(DatabaseError):
    """The run no longer belongs to this lease token: stop the child, store nothing more."""
