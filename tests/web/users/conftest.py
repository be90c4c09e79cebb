"""A station with a user of each role, and browsers that keep cookies."""

from __future__ import annotations

import contextlib
import http.client
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from teiten import hosting
from teiten.settings import Settings
from teiten.web.users import passwords
from teiten.web.users.store import Store, folder_of

from ..conftest import Answer, served

WORD = "quiet lantern over {}"
NAMES = {"vera": "viewer", "ana": "analyst", "ada": "administrator"}


@pytest.fixture(scope="session", autouse=True)
def _cheap() -> Iterator[None]:
    """Passwords at a cost that tests can pay; what it is otherwise, test_passwords.py holds."""
    usual = dict(passwords.COST)
    passwords.COST.update(time_cost=1, memory_cost=64, parallelism=1)
    yield
    passwords.COST.update(usual)


@dataclass
class Browser:
    """One that keeps cookies, and follows nothing by itself."""

    port: int
    jar: dict[str, str] = field(default_factory=dict)
    set: list[str] = field(default_factory=list)
    """Set-Cookie headers of the last answer"""

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        host: str = "127.0.0.1",
    ) -> Answer:
        with contextlib.closing(http.client.HTTPConnection(host, self.port, timeout=60)) as link:
            own = {"cookie": "; ".join(f"{k}={v}" for k, v in self.jar.items())} if self.jar else {}
            link.request(method, quote(path, safe="/?&=%:;,.+-_~#"), body=body, headers={**own, **(headers or {})})
            answer = link.getresponse()
            found = answer.getheaders()
            self.set = [value for key, value in found if key.lower() == "set-cookie"]
            for one in self.set:
                name, _, value = one.partition(";")[0].partition("=")
                self.jar[name] = value.strip('"')
                if "max-age=0" in one.lower():
                    del self.jar[name]
            return Answer(answer.status, {k.lower(): v for k, v in found}, answer.read())

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self.ask("GET", path, headers)

    def post(self, path: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Answer:
        told = {"content-type": "application/x-www-form-urlencoded", **(headers or {})}
        return self.ask("POST", path, told, urlencode(form).encode())

    def word(self, path: str, headers: Mapping[str, str] | None = None) -> str:
        """The word of a page's own forms; the one to log out stands before them."""
        found = re.findall(r'name="word" value="([^"]+)"', self.get(path, headers).text)
        assert found, path
        return str(found[-1])

    def login(self, name: str, password: str | None = None, *, back: str = "/account") -> Answer:
        form = {"name": name, "password": password or WORD.format(name), "next": back}
        return self.post("/login", {"word": self.word("/login"), **form})

    @property
    def id(self) -> str:
        """The cookie of the login; '' without one."""
        return self.jar.get(f"teiten-{self.port}", "")


def fresh(chosen: Settings, folder: Path, **serving: Any) -> Settings:
    """The same lake with users of its own, one of each role."""
    # (a test asks more in a second than a visitor may in a minute)
    free = replace(chosen.api, requests_per_minute=0)
    made = replace(chosen, api=free, serving=replace(hosting.Serving(users=folder / "users"), **serving))
    store = Store(folder_of(made))
    for name, role in NAMES.items():
        store.add(name, role, WORD.format(name))
    return made


@dataclass(frozen=True)
class House:
    """A server with users."""

    settings: Settings
    port: int

    @property
    def store(self) -> Store:
        return Store(folder_of(self.settings))

    def browser(self, name: str | None = None) -> Browser:
        """A new one, logged in or not."""
        out = Browser(self.port)
        if name is not None:
            assert out.login(name).status == 303
        return out

    def log(self) -> str:
        path = folder_of(self.settings) / "audit.jsonl"
        return path.read_text() if path.exists() else ""


@contextlib.contextmanager
def house(chosen: Settings, folder: Path, **serving: Any) -> Iterator[House]:
    made = fresh(chosen, folder, **serving)
    with served(made, workers=1) as client:
        yield House(made, client.port)


@pytest.fixture(scope="module")
def home(chosen: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    with house(chosen, folder) as made:
        yield made
    shutil.rmtree(folder, ignore_errors=True)
