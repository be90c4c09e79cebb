"""A file of messages: whole lines, and what a kill left is seen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from teiten.alerting import Channel
from teiten.alerts.channels import ChannelError, Message, file

MESSAGE = Message("teiten-1", "2026-03-01T00:00:00+00:00", "ja", "観測速報", "一行目\n二行目")


def test_a_line_a_message(tmp_path: Path) -> None:
    channel = Channel("log", "file", path=tmp_path / "new" / "alerts.jsonl")
    assert not file.has(channel, MESSAGE)
    file.send(channel, MESSAGE)
    file.send(channel, replace(MESSAGE, id="teiten-2"))
    assert channel.path
    lines = channel.path.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["teiten-1", "teiten-2"]
    assert json.loads(lines[0]) == json.loads(json.dumps(MESSAGE.table()))
    assert file.has(channel, MESSAGE) and not file.has(channel, replace(MESSAGE, id="teiten-3"))


@pytest.mark.parametrize("left", [5, 40, 80])
def test_half_a_line_is_not_the_message_and_spoils_no_other(tmp_path: Path, left: int) -> None:
    channel = Channel("log", "file", path=tmp_path / "alerts.jsonl")
    file.send(channel, MESSAGE)
    assert channel.path
    whole = channel.path.read_bytes()
    channel.path.write_bytes(whole[:left])
    assert not file.has(channel, MESSAGE)
    file.send(channel, MESSAGE)
    assert file.has(channel, MESSAGE)
    assert channel.path.read_bytes() == whole[:left] + b"\n" + whole


def test_where_it_cannot_be_written(tmp_path: Path) -> None:
    channel = Channel("log", "file", path=tmp_path)
    with pytest.raises(ChannelError, match="cannot be written"):
        file.send(channel, MESSAGE)
