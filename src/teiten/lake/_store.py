"""The one importer of obstore: objects of an S3-compatible store below one prefix, with its refusals as sentences."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

from teiten.errors import LakeError

_KEYS: Final = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN), or renew what has run out."
_REFUSALS: Final = {
    "UnauthenticatedError", "PermissionDeniedError", "SignatureDoesNotMatch", "AccessDenied", "ExpiredToken",
    "InvalidAccessKeyId", "InvalidToken", "TokenRefreshRequired",
}  # fmt: skip
"""the library's and the stores' own words for keys that do not open"""
_RETRY: Final[Any] = {"max_retries": 4, "retry_timeout": dt.timedelta(seconds=40)}


class StoreError(LakeError):
    """The object store did not do what was asked; what it held, it holds."""


class Object(NamedTuple):
    """Of a listing: its name below the prefix, bytes, when it was put (the store's clock), and what tells its content."""

    name: str
    size: int
    put: dt.datetime
    tag: str | None


class Objects:
    """The objects below `s3://bucket/prefix`. StoreError names the store, the object and what to do."""

    def __init__(self, url: str, endpoint: str | None, region: str) -> None:
        from obstore.store import S3Store

        self.url = url
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        self.where = f"{url} at {endpoint}" if endpoint else url
        named: Any = {"endpoint": endpoint, "virtual_hosted_style_request": False} if endpoint else {}
        plain = bool(endpoint and endpoint.startswith("http://"))
        self._store = S3Store(
            bucket, prefix=prefix or None, region=region, retry_config=_RETRY,
            client_options={"allow_http": plain, "timeout": "60s", "connect_timeout": "10s"}, **named,
        )  # fmt: skip

    def get(self, name: str) -> bytes:
        """Its content. FileNotFoundError where there is none."""
        import obstore

        return bytes(self._do(name, lambda: obstore.get(self._store, name).bytes()))

    def fetch(self, name: str, to: Path, size: int | None = None) -> None:
        """The object as a file, whole or not at all. FileNotFoundError; StoreError where it is shorter than it should be."""
        import obstore

        part = to.with_name(f".{to.name}.{os.getpid()}.part")
        try:
            with part.open("wb") as file:
                self._do(name, lambda: [file.write(memoryview(data)) for data in obstore.get(self._store, name).stream()])
            if size is not None and part.stat().st_size != size:
                raise StoreError(f"{self.where}: {name} has {part.stat().st_size:,} bytes, and should have {size:,}.")
            part.replace(to)
        finally:
            with contextlib.suppress(OSError):
                part.unlink()

    def put(self, name: str, data: bytes | Path) -> None:
        import obstore

        self._do(name, lambda: obstore.put(self._store, name, data))

    def create(self, name: str, data: bytes) -> bool:
        """Puts it where nothing is: whether it did. The store decides between several who try."""
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        try:
            self._do(name, lambda: obstore.put(self._store, name, data, mode="create"), (AlreadyExistsError, PreconditionError))
        except (AlreadyExistsError, PreconditionError):
            # it may be ours: an answer was lost, and the request was sent again
            return self.get(name) == data
        return True

    def head(self, name: str) -> Object:
        """FileNotFoundError where there is none."""
        import obstore

        return _object(self._do(name, lambda: obstore.head(self._store, name)))

    def below(self, folder: str) -> list[Object]:
        """All objects below that folder, sorted by name."""
        import obstore

        found = self._do(f"{folder}/", lambda: [one for some in obstore.list(self._store, folder or None) for one in some])
        return sorted(map(_object, found))

    def here(self) -> tuple[list[Object], list[str]]:
        """The objects directly below the prefix, and the names of its folders."""
        import obstore

        found = self._do("", lambda: obstore.list_with_delimiter(self._store))
        folders = [str(path).rstrip("/").rpartition("/")[2] for path in found["common_prefixes"]]
        return sorted(map(_object, found["objects"])), sorted(folders)

    def delete(self, names: Iterable[str]) -> None:
        """Also of those that are gone already."""
        import obstore

        for name in names:
            with contextlib.suppress(FileNotFoundError):
                self._do(name, lambda name=name: obstore.delete(self._store, name))  # type: ignore[misc]

    def _do(self, name: str, ask: Callable[[], Any], let: tuple[type[BaseException], ...] = ()) -> Any:
        from obstore.exceptions import BaseError

        try:
            return ask()
        except FileNotFoundError:
            raise
        except let:
            raise
        except BaseError as error:
            key = type(error).__name__ in _REFUSALS or _why(error) in _REFUSALS
            if _why(error) == "NoSuchBucket":
                raise StoreError(f"There is no bucket for {self.where}.", hint="Make it first, or name another.") from error
            raise StoreError(
                f"{self.where} did not answer as it should about {name or 'its list'} ({_why(error)}).",
                hint=_KEYS if key else "What was stored is whole; run the same command again when the cause is gone.",
            ) from error
        except OSError as error:
            raise StoreError(f"{self.where}: {name}: {error.strerror or error}.") from error


def _object(meta: Any) -> Object:
    return Object(str(meta["path"]), int(meta["size"]), meta["last_modified"], meta.get("e_tag"))


def _why(error: BaseException) -> str:
    """The store's own word for it, or the first line of what the library says."""
    text = str(error)
    code = text.partition("<Code>")[2].partition("</Code>")[0]
    if code:
        return code
    first = text.splitlines()[0] if text else type(error).__name__
    return first.partition(" - ")[2][:160] or first[:160]
