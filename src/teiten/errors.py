"""What can go wrong at the edge, as one small tree.

    TeitenError            one sentence: what, where, why; `hint` says what to do      exit 1
    ├── UsageError         the words of a command, or a setting, are wrong             exit 2
    │   ├── ForbiddenError    understood, but not for whom it came from
    │   └── QueryError     a query is wrong, at a place of its text
    ├── InputError         a file or stream cannot be read (not: a bad line in it)
    ├── LakeError          the lake cannot be opened, or written
    │   ├── LakeBusyError     another writer holds it
    │   └── LakeChangedError  files that an answer needed were replaced while it was made: asked again, it is there
    ├── LimitError         an answer would take more time or memory than it may
    └── DataError          country, AS, font or language data is missing or broken

Inside a module the builtins (ValueError, OSError) are used; they become one of these where a person would see them.
A bad line in a log is data, never an exception: readers count it.
"""

from __future__ import annotations


class TeitenError(Exception):
    """One sentence for the person at the terminal, and what to do about it."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message} {self.hint}"


class UsageError(TeitenError):
    """Wrong words: an unknown zone, port, country, period, command."""

    exit_code = 2


class ForbiddenError(UsageError):
    """Understood, but whoever asks may not, or the request did not come from where it must."""


class QueryError(UsageError):
    """A query is wrong. `at`, `length`: where in its text, in characters (None: nowhere in it); `near`: names that are there
    and are spelt like the one that is not."""

    def __init__(
        self, message: str, *, hint: str | None = None, at: int | None = None, length: int = 1, near: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message, hint=hint)
        self.at, self.length, self.near = at, length, near


class InputError(TeitenError):
    """A file or a stream cannot be read at all."""


class LakeError(TeitenError):
    """The lake cannot be opened or written."""


class LakeBusyError(LakeError):
    """Another process is writing to the lake."""


class LakeChangedError(LakeError):
    """The lake was changed while it was asked, and files of the answer are gone; the same question has one again."""


class LimitError(TeitenError):
    """An answer would take more time or memory than it may: less at once can be asked for, or the same later."""


class DataError(TeitenError):
    """Data that the program carries, or was given, is missing or broken."""
