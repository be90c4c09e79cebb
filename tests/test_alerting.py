"""[alerts]: what is written is what is meant, what cannot be meant is told in a sentence, and no secret is in any text."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path

import pytest

from teiten import alerting, settings
from teiten.errors import UsageError

FULL = """
language = "ja"
least = "sure"
quiet = "23:00-07:00"
quiet_but = ["silent"]
heartbeat_env = "BEAT"
grows = 3

[channel.desk]
kind = "webhook"
url_env = "HOOK"
key_file = "key.txt"

[channel.mail]
kind = "mail"
server = "mail.example.org"
tls = "tls"
user = "desk"
password_env = "MAIL_PASSWORD"
from = "teiten@example.org"
to = ["a@example.org", "b@example.org"]

[channel.log]
kind = "file"
path = "alerts.jsonl"

[[watch]]
port = "9530/tcp"

[[watch]]
name = "anything new from Taiwan"
country = "TW"
when = "new"

[[watch]]
port = ["5000-5010/tcp", "icmp"]
over = 100
per = "hour"
sensor = "home"
"""


def read(text: str) -> alerting.Alerts:
    return alerting.read(tomllib.loads(text), "teiten.toml, [alerts]", Path("/etc/teiten"))


def test_all_of_it() -> None:
    found = read(FULL)
    assert (found.language, found.least, found.grows) == ("ja", "sure", 3)
    assert found.quiet == (dt.time(23), dt.time(7))
    desk, mail, log = found.channels
    assert desk.kind == "webhook" and desk.url and desk.url.variable == "HOOK"
    assert desk.key and desk.key.path == Path("/etc/teiten/key.txt")
    assert (mail.port, mail.to) == (465, ("a@example.org", "b@example.org"))
    assert log.path == Path("/etc/teiten/alerts.jsonl")
    rises, new, over = found.watches
    assert (rises.name, rises.when, rises.ports) == ("9530/tcp rises", "rises", ((6, 9530, 9530),))
    assert (new.name, new.country) == ("anything new from Taiwan", ("TW",))
    assert (over.when, over.over, over.per, over.ports) == ("over", 100, "hour", ((6, 5000, 5010), (1, None, None)))


def test_nothing_written_is_the_default(tmp_path: Path) -> None:
    config = tmp_path / "teiten.toml"
    config.write_text("", encoding="utf-8")
    assert settings.load(config=config).alerts == alerting.Alerts()
    config.write_text('[alerts]\n[[alerts.watch]]\nprefix = "192.0.2.7/24"\nover = 3\n', encoding="utf-8")
    assert settings.load(config=config).alerts.watches[0].prefix == "192.0.2.0/24"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense = 1", "knows no setting 'nonsense'"),
        ("least = 'perhaps'", "one of sure, likely, possible"),
        ("quiet = '25:00-07:00'", "no time of the day"),
        ("quiet = '07:00-07:00'", "all of the day or nothing"),
        ("ended = 1", "true or false"),
        ("grows = 1", "from 1.1"),
        ("[channel]\nx = 1", "must be a table"),
        ("[channel.x]\nkind = 'pigeon'", "one of stdout"),
        ("[channel.x]\nkind = 'webhook'", "has no url"),
        ("[channel.x]\nkind = 'webhook'\nurl = 'https://a'\nurl_env = 'B'", "has url and url_env"),
        ("[channel.x]\nkind = 'file'", "has no path"),
        ("[channel.x]\nkind = 'file'\npath = 'a'\nserver = 'b'", "knows no setting 'server'"),
        ("[channel.x]\nkind = 'mail'\nserver = 's'\nfrom = 'a@b'", "has no to"),
        ("[channel.x]\nkind = 'mail'\nserver = 's'\nfrom = 'nobody'\nto = 'a@b'", "no mail address"),
        ("[channel.x]\nkind = 'mail'\nserver = 's'\nfrom = 'a@b'\nto = 'a@b'\nuser = 'u'", "user without a password"),
        (
            "[channel.x]\nkind = 'mail'\nserver = 's'\nfrom = 'a@b'\nto = 'a@b'\nuser = 'u'\npassword_env = 'P'\ntls = 'none'",
            "in plain sight",
        ),
        ("[[watch]]\nport = '70000/tcp'", "is no port"),
        ("[[watch]]\ncountry = 'Atlantis'", "no country that I know"),
        ("[[watch]]\nprefix = '300.1.1.1'", "is no prefix"),
        ("[[watch]]\nprefix = '192.0.2.0/24'\nwhen = 'new'", "a prefix is watched with"),
        ("[[watch]]\nprefix = '192.0.2.0/24'\ncountry = 'JP'", "has its country and AS itself"),
        ("[[watch]]\nwhen = 'over'", "needs over = NUMBER"),
        ("[[watch]]\nwhen = 'new'\ntimes = 3", "times belongs to"),
        ("[[watch]]\nport = '1/tcp'\nper = 'hour'", "per belongs to over"),
        ("[[watch]]\nport = '1/tcp'\n[[watch]]\nport = '1/tcp'", "there is another"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_told(text: str, said: str) -> None:
    with pytest.raises(UsageError) as told:
        read(text)
    assert said in str(told.value)
    assert "[alerts" in str(told.value) or "alerts.watch" in str(told.value)


def test_a_secret_is_found_where_it_lies_and_in_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = "https://hooks.example.org/T0/very-secret"
    monkeypatch.setenv("HOOK", hidden)
    (tmp_path / "key.txt").write_text(f"{hidden}\n", encoding="utf-8")
    plain, variable = alerting.Secret("url", plain=hidden), alerting.Secret("url", variable="HOOK")
    file = alerting.Secret("url", path=tmp_path / "key.txt")
    for one in (plain, variable, file):
        assert one.value() == hidden
        assert "very-secret" not in repr(one)
    monkeypatch.delenv("HOOK")
    (tmp_path / "key.txt").write_text("\n", encoding="utf-8")
    for one, said in ((variable, "The environment has no HOOK"), (file, "is empty")):
        with pytest.raises(UsageError, match=said):
            one.value()
    with pytest.raises(UsageError) as told:
        read(f"[channel.x]\nkind = 'webhook'\nurl_env = '{hidden}'")
    assert "secret" not in str(told.value)
