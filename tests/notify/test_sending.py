"""Letters over a real SMTP server on this machine: sent once as shown, refused, broken off, killed at every step."""

from __future__ import annotations

import datetime as dt
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiosmtpd")
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP
from tests.notify import conftest as own

from teiten import cli
from teiten.notify import contacts, drafts, forms, hosts, kept
from teiten.settings import Settings

CONTACTS = "prefix,mail,language\n" + "".join(f"8.8.0.{n}/32,desk{n}@example.net,en\n" for n in range(1, 7))


@dataclass
class Box:
    """What the server got. kill: (step, address) at which the client is killed; answers: by address."""

    got: list[tuple[str, bytes]] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    kill: tuple[str, str] | None = None
    client: int = 0
    last: str = ""

    def _step(self, step: str, address: str) -> None:
        if self.kill == (step, address) and self.client:
            os.kill(self.client, signal.SIGKILL)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        self._step("rcpt", address)
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        to = self.last = envelope.rcpt_tos[0]
        self._step("data", to)
        if self.kill != ("data", to):
            self.got.append((to, envelope.content))
        self._step("taken", to)
        return self.answers.get(to, "250 OK")

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:
        self._step("quit", self.last)
        return "221 Bye"


class _Server(Controller):
    def factory(self) -> SMTP:
        return SMTP(self.handler, hostname="localhost")

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def box() -> Iterator[tuple[Box, int]]:
    made = Box()
    server = _Server(made, hostname="127.0.0.1", port=0)
    server.start()
    yield made, server.port
    server.stop()


@pytest.fixture
def folder(chosen: Settings, found: hosts.Found, tmp_path: Path, box: tuple[Box, int]) -> Path:
    """Six letters of a host each, prepared; the settings' server is the box."""
    assert chosen.file is not None
    text = chosen.file.read_text() + f'server = "127.0.0.1"\nport = {box[1]}\ntls = "none"\ntimeout = 5\n'
    chosen.file.write_text(text)
    (chosen.file.parent / "contacts.csv").write_text(CONTACTS)
    _prepare(chosen, found, tmp_path / "out")
    return tmp_path / "out"


def _prepare(chosen: Settings, found: hosts.Found, folder: Path) -> drafts.Plan:
    now = dt.datetime.now(dt.UTC)
    with kept.writing(chosen.lake) as writer:
        known = contacts.load(chosen.notifying.contacts, None)
        made = drafts.plan(found, known, writer.book, chosen, now)
        drafts.write(made, found, folder, chosen, now, forms.FORMS[:1], writer)
    return made


def _confirm(chosen: Settings, folder: Path) -> str:
    return drafts.confirmation(drafts.ready(folder, kept.load(chosen.lake)))


def _send(chosen: Settings, folder: Path, *more: str) -> int:
    return cli.main(
        ["notify", "send", str(folder), "--config", str(chosen.file), *(more or ("--confirm", _confirm(chosen, folder)))]
    )


def _states(chosen: Settings) -> dict[str, str]:
    return {one.mail: one.state for one in kept.load(chosen.lake).letters.values() if one.state != "withdrawn"}


def test_what_was_shown_goes_once(
    chosen: Settings, folder: Path, found: hosts.Found, box: tuple[Box, int], capsys: Any
) -> None:
    assert cli.main(["notify", "show", str(folder), "--config", str(chosen.file)]) == 0
    shown = capsys.readouterr().out
    confirm = re.search(r"--confirm ([0-9a-f]{16})", shown)
    assert confirm is not None and not box[0].got, "showing sends nothing"
    assert _send(chosen, folder, "--confirm", "0" * 16) == 2 and not box[0].got
    assert _send(chosen, folder, "--confirm", confirm[1]) == 0
    assert sorted(to for to, _ in box[0].got) == [f"desk{n}@example.net" for n in range(1, 7)]
    for to, content in box[0].got:
        mail = next(
            one for one in folder.rglob("mail.eml") if f"<{to}>".encode() in one.read_bytes() or to.encode() in one.read_bytes()
        )
        assert content.rstrip() == mail.read_bytes().rstrip(), "byte for byte what was shown"
    assert set(_states(chosen).values()) == {"sent"}
    assert _send(chosen, folder, "--confirm", confirm[1]) == 0 and len(box[0].got) == 6, "nothing waits any more"
    # told: not again within the time, of the same evidence
    made = _prepare(chosen, found, folder)
    assert not made.letters and made.told == 6 and made.unknown == 36
    # but of another rule
    one = next(host for host in found.hosts if host.address == "8.8.0.3")
    one.findings["telnet_without_mirai"] = 1.0
    try:
        made = _prepare(chosen, found, folder)
        assert [letter.group.contact.mail for _, letter in made.letters] == ["desk3@example.net"] and made.told == 5
    finally:
        del one.findings["telnet_without_mirai"]
    assert cli.main(["notify", "told", "--config", str(chosen.file), "--src", "8.8.0.3", "--output", "csv"]) == 0
    assert "desk3@example.net" in capsys.readouterr().out


def test_a_refusal_waits_and_the_others_go(chosen: Settings, folder: Path, box: tuple[Box, int], capsys: Any) -> None:
    box[0].refused["desk2@example.net"] = "550 no such user"
    box[0].answers["desk4@example.net"] = "451 later"
    assert _send(chosen, folder) == 1
    states = _states(chosen)
    assert {mail for mail, state in states.items() if state == "prepared"} == {"desk2@example.net", "desk4@example.net"}
    assert "550" in capsys.readouterr().out
    box[0].refused.clear(), box[0].answers.clear()
    box[0].got.clear()
    assert _send(chosen, folder) == 0
    assert sorted(to for to, _ in box[0].got) == ["desk2@example.net", "desk4@example.net"]


def test_a_server_that_is_not_there(chosen: Settings, folder: Path, box: tuple[Box, int]) -> None:
    assert chosen.file is not None
    chosen.file.write_text(chosen.file.read_text().replace(f"port = {box[1]}", "port = 1"))
    assert _send(chosen, folder) == 1
    assert set(_states(chosen).values()) == {"prepared"}


def test_without_a_server_nothing_goes(chosen: Settings, folder: Path) -> None:
    assert chosen.file is not None
    chosen.file.write_text(own.TOML)
    assert _send(chosen, folder, "--confirm", "0" * 16) == 2


def test_by_hand_and_in_doubt(chosen: Settings, folder: Path, box: tuple[Box, int], capsys: Any) -> None:
    letters = list(kept.load(chosen.lake).letters.values())
    told = ["notify", "told", "--config", str(chosen.file)]
    assert cli.main([*told, "--by-hand", letters[0].id]) == 0
    with kept.writing(chosen.lake) as writer:
        writer.state("sending", writer.book.letters[letters[1].id])
        writer.state("sending", writer.book.letters[letters[2].id])
    assert cli.main([*told, "--by-hand", letters[1].id]) == 2, "it does not wait"
    assert _send(chosen, folder) == 0
    assert len(box[0].got) == 3 and letters[1].id in capsys.readouterr().err
    assert cli.main([*told, "--went-out", letters[1].id]) == 0
    assert cli.main([*told, "--not-sent", letters[2].id]) == 0
    assert _send(chosen, folder) == 0
    assert len(box[0].got) == 4 and set(_states(chosen).values()) == {"sent"}
    assert {one.by for one in kept.load(chosen.lake).letters.values() if one.id == letters[0].id} == {"hand"}


def test_two_folders_of_the_same_hosts(
    chosen: Settings, folder: Path, found: hosts.Found, box: tuple[Box, int], capsys: Any
) -> None:
    _prepare(chosen, found, folder.with_name("other"))
    assert _send(chosen, folder) == 0
    assert _send(chosen, folder.with_name("other")) == 1
    assert len(box[0].got) == 6 and "meanwhile" in capsys.readouterr().out


@pytest.mark.full
@pytest.mark.faults
@pytest.mark.parametrize("step", ["rcpt", "data", "taken", "quit"])
def test_killed_at_a_step_nobody_is_told_twice_and_nobody_lost(
    chosen: Settings, folder: Path, box: tuple[Box, int], step: str
) -> None:
    """A SIGKILL while the third letter is handed over, at each step of the conversation; then the command again."""
    box[0].kill = (step, "desk3@example.net")
    args = [sys.executable, "-m", "teiten", "notify", "send", str(folder), "--config", str(chosen.file), "--confirm"]
    with subprocess.Popen([*args, _confirm(chosen, folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        box[0].client = running.pid
    assert running.returncode == -signal.SIGKILL
    box[0].kill = None
    states = _states(chosen)
    assert (
        states["desk3@example.net"]
        in {"rcpt": ("prepared",), "data": ("doubt",), "taken": ("doubt",), "quit": ("doubt", "sent")}[step]
    )
    _send(chosen, folder)
    counts = [sum(to == f"desk{n}@example.net" for to, _ in box[0].got) for n in range(1, 7)]
    assert max(counts) == 1, "nobody twice"
    for n, count in enumerate(counts, 1):
        state = _states(chosen)[f"desk{n}@example.net"]
        assert state == "sent" if count and n != 3 else state in ("sent", "doubt"), (n, count, state)
    if not counts[2]:
        assert _states(chosen)["desk3@example.net"] == "doubt", "not lost: it is named as in doubt until somebody decides"
