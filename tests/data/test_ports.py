"""The ports table holds to its schema, names its references, can be drawn, and is extended by a user's own file."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest

from teiten.data import fonts, ports
from teiten.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("key", sorted(ports.table()))
def test_rows(key: str) -> None:
    row = ports.table()[key]
    assert row.key == key
    assert 0 < row.number < 65536
    assert row.target in ports.TARGETS
    assert row.reference.text
    assert row.stands_for is None or row.stands_for in ports.table()
    assert row.group is None or key in ports.groups()[row.group].ports
    for lang in ("en", "ja"):
        name = row.service(lang)
        assert name and name == name.strip() and len(name) < 30
        assert not fonts.covers(name)
    assert row.names["en"].isascii()
    if row.stands_for:
        first = ports.table()[row.stands_for]
        assert first.stands_for is None, "a stand-in of a stand-in"
        assert first.group == row.group


@pytest.mark.parametrize("use", ports.load().uses, ids=lambda use: f"{use.name('en')}-{use.ports[0]}".replace("/", "_"))
def test_uses(use: ports.Use) -> None:
    """A noun phrase in both languages, ports once each, a year that a reference can tell, and a page to read it at."""
    assert use.kind in ports.KINDS
    assert len(set(use.ports)) == len(use.ports)
    assert all(use in ports.table()[key].used_by for key in use.ports)
    assert use.since is None or 1988 <= use.since <= 2026
    assert use.reference.text
    assert use.name("en").isascii() and use.says("en").isascii()
    for lang in ("en", "ja"):
        for text in (use.name(lang), use.says(lang)):
            assert text == text.strip() and 0 < len(text) < 80
            assert not text.endswith((".", "。", ",", "、"))
            assert not fonts.covers(text)
    assert re.search("[ぁ-んァ-ヶ一-龠]", use.says("ja"))
    told = re.findall(r"CVE-(\d{4})-\d+", use.name("en"))
    assert not told or use.since is None or use.since >= int(told[0])
    assert not told or re.search(r"CVE-\d{4}-\d+", use.name("en"))[0] in use.reference.text  # type: ignore[index]


def test_order_and_size() -> None:
    keys = list(ports.table())
    assert keys == sorted(keys, key=lambda k: (int(k.partition("/")[0]), k.partition("/")[2]))
    assert len(keys) >= 150
    for target in ports.TARGETS:
        assert sum(row.target == target for row in ports.table().values()) >= 10, target


def test_every_reference_is_used_and_leads_somewhere() -> None:
    known = ports.load()
    used = {row.reference for row in known.ports.values()} | {use.reference for use in known.uses}
    unused = [key for key, reference in known.references.items() if reference not in used]
    assert not unused
    urls = [reference.url for reference in known.references.values() if reference.url]
    assert all(url.startswith("https://") for url in urls)
    without = {key for key, reference in known.references.items() if not reference.url}
    assert without <= {"common", "spida", "subseven"}, "no page: say in the text where it can be read"
    texts = [reference.text for reference in known.references.values()]
    assert len(set(texts)) == len(texts)
    for reference in known.references.values():
        named = re.match(r"CVE-\d+-\d+", reference.text)
        assert not named or named[0] in reference.url


def test_nothing_is_said_twice() -> None:
    told = [(use.name("en"), key) for use in ports.load().uses for key in use.ports]
    assert len(set(told)) == len(told)


def test_groups() -> None:
    groups = ports.groups()
    for group in groups.values():
        assert group.ports, group.key
        assert group.name("en").isascii()
        assert re.search("[ぁ-んァ-ヶ一-龠A-Z]", group.name("ja"))
        assert not fonts.covers(group.name("ja"))
    assert {"25/tcp", "465/tcp", "587/tcp"} <= set(groups["smtp"].ports)  # seeds/003: SMTP(S)関連ポート
    assert {"23/tcp", "2323/tcp", "23023/tcp"} <= set(groups["telnet"].ports)
    assert {"80/tcp", "81/tcp", "443/tcp", "8000/tcp", "8080/tcp"} <= set(groups["web"].ports)
    assert {"22/tcp", "2222/tcp"} <= set(groups["ssh"].ports)


def test_find() -> None:
    found = ports.find(23, 6)
    assert found is not None and found.service("ja") == "Telnet"
    assert ports.find(23, "TCP") is found
    assert ports.find(52869, "tcp") is not None
    assert ports.find(23, 17) is None
    assert ports.find(None, 1) is None
    assert ports.find(23, None) is None
    assert ports.find(23, 300) is None


@pytest.mark.parametrize(
    ("key", "user", "kind"),
    [
        ("9527/tcp", "Hide'N Seek (HNS)", "malware"),  # seeds/000
        ("9000/tcp", "KGUARD video recorders", "device"),  # seeds/000
        ("52869/tcp", "Mirai and its variants", "malware"),  # seeds/000
        ("23023/tcp", "Trojans", "malware"),  # seeds/004
        ("9530/tcp", "Xiongmai devices", "device"),  # seeds/002
        ("52869/tcp", "CVE-2014-8361", "exploit"),
        ("37215/tcp", "CVE-2017-17215", "exploit"),
        ("7547/tcp", "CVE-2016-10372", "exploit"),
        ("5555/tcp", "ADB.Miner", "malware"),
        ("53413/udp", "Netis and Netcore routers", "device"),
        ("445/tcp", "WannaCry", "malware"),
        ("445/tcp", "Conficker", "malware"),
        ("3389/tcp", "Morto", "malware"),
    ],
)
def test_what_the_seeds_and_the_plan_name(key: str, user: str, kind: ports.Kind) -> None:
    assert user in [use.name("en") for use in ports.table()[key].users(kind)]


@pytest.mark.parametrize(
    ("key", "first"),
    [("2222/tcp", "22/tcp"), ("2323/tcp", "23/tcp"), ("8080/tcp", "80/tcp"), ("81/tcp", "80/tcp"), ("8000/tcp", "80/tcp")],
)
def test_stand_ins_of_the_seeds(key: str, first: str) -> None:
    assert ports.table()[key].stands_for == first


def test_a_file_of_ones_own_adds_and_overrides() -> None:
    own = ROOT / "examples" / "my-ports.toml"
    row = ports.find(8081, "tcp", own)
    assert row is not None and row.service("en") == "Heating control" and row.stands_for == "80/tcp"
    new = ports.find(4567, 6, own)
    assert new is not None and new.service("ja") == "玄関のカメラ"
    assert [use.name("en") for use in new.users("device")] == ["Door camera model X"]
    assert "4567/tcp" in ports.groups(own)["camera"].ports
    # the package's own table knows nothing of it
    assert ports.find(4567, 6) is None
    assert ports.find(8081, "tcp") != row
    assert len(ports.table(own)) == len(ports.table()) + 1


def test_a_use_of_the_same_name_takes_the_place_at_its_ports(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        '[references]\nmine = { text = "mine" }\n[[used_by]]\nname = "Mirai"\nkind = "tool"\nports = ["23/tcp"]\n'
        'en = "what I say"\nja = "私の説明"\nreference = "mine"\n',
        encoding="utf-8",
    )
    at_23 = [use for use in ports.table(own)["23/tcp"].used_by if use.name("en") == "Mirai"]
    assert [use.says("ja") for use in at_23] == ["私の説明"]
    assert [use.kind for use in ports.table(own)["2323/tcp"].used_by if use.name("en") == "Mirai"] == ["malware"]


def test_a_changed_file_is_read_again_and_two_files_do_not_meet(tmp_path: Path) -> None:
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    text = '[ports]\n"23/tcp" = {{ service = "{}" }}\n'
    one.write_text(text.format("One"), encoding="utf-8")
    two.write_text(text.format("Two"), encoding="utf-8")
    assert [ports.table(p)["23/tcp"].service("en") for p in (one, two, one)] == ["One", "Two", "One"]
    one.write_text(text.format("Changed"), encoding="utf-8")
    os.utime(one, ns=(1, 1))
    assert ports.table(one)["23/tcp"].service("en") == "Changed"
    assert ports.table()["23/tcp"].service("en") == "Telnet"


USE = '[[used_by]]\nname = "X"\nkind = "malware"\nports = ["23/tcp"]\nen = "a"\nja = "あ"\nreference = "iana"\n'
WRONG = {
    "no TOML": ("[ports\n", "own.toml is no TOML"),
    "section": ("[devices]\na = 1\n", "own.toml:1: devices is no part of a file of ports"),
    "shape": ("used_by = 3\n", "own.toml:1: used_by must be a list of tables"),
    "not a table": ("ports = 3\n", "own.toml:1: ports must be a table"),
    "entry": ('[ports]\n"23/tcp" = 3\n', "own.toml:2: 23/tcp must be a table"),
    "field": ('[ports]\n"23/tcp" = { servise = "x" }\n', "own.toml:2: 23/tcp has a field 'servise'"),
    "type": ('[ports]\n\n"23/tcp" = { service = 3 }\n', "own.toml:3: 23/tcp has in 'service' 3"),
    "empty": ('[ports]\n"23/tcp" = { service = " " }\n', "own.toml:2: 23/tcp has nothing in 'service'"),
    "lacks": ('[ports]\n"4567/tcp" = { service = "x", target = "iot" }\n', "own.toml:2: 4567/tcp lacks 'reference'"),
    "target": ('[ports]\n"23/tcp" = { target = "tv" }\n', "own.toml:2: 23/tcp has the target 'tv'"),
    "own table": ('[ports."23/tcp"]\ntarget = "tv"\n', "own.toml:1: 23/tcp has the target 'tv'"),
    "for": ('[ports]\n"23/tcp" = { for = "1/tcp" }\n', "own.toml:2: 23/tcp stands in for '1/tcp'"),
    "for itself": ('[ports]\n"23/tcp" = { for = "23/tcp" }\n', "own.toml:2: 23/tcp stands in for"),
    "group": ('[ports]\n"23/tcp" = { group = "x" }\n', "own.toml:2: 23/tcp names the group 'x'"),
    "reference": ('[ports]\n"23/tcp" = { reference = "x" }\n', "own.toml:2: 23/tcp names the reference 'x'"),
    "url": ('[references]\nx = { text = "x", url = "javascript:1" }\n', "own.toml:2: x has in 'url'"),
    "no port": (
        '[ports]\n"70000/tcp" = { service = "x", target = "iot", reference = "iana" }\n', "own.toml:2: 70000/tcp is no port"
    ),
    "capitals": (
        '[ports]\n"4567/TCP" = { service = "x", target = "iot", reference = "iana" }\n', 'should be written as "23/tcp"'
    ),
    "use lacks": ('[[used_by]]\nname = "X"\n', r"own.toml:1: used_by number 1 (X) lacks 'kind'"),
    "use kind": (USE + USE.replace('"malware"', '"worm"'), r"own.toml:8: used_by number 2 (X) has the kind 'worm'"),
    "use since": (USE.replace("ports", "since = 16\nports"), r"has in 'since' 16, which is no year"),
    "use truth": (USE.replace("ports", "since = true\nports"), r"has in 'since' True"),
    "use ports": (USE.replace('["23/tcp"]', "[]"), r"used_by number 1 (X) names no port"),
    "use a port": (USE.replace("23/tcp", "23"), r"used_by number 1 (X) is no port"),
    "use unknown port": (USE.replace("23/tcp", "4567/tcp"), r"names the port 4567/tcp, of which the table has no entry"),
    "use reference": (USE.replace("iana", "x"), r"names the reference 'x'"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_told_with_its_line_and_entry(case: str, tmp_path: Path) -> None:
    text, said = WRONG[case]
    own = tmp_path / "own.toml"
    own.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as found:
        ports.load(own)
    assert said in found.value.message
    assert "\n" not in found.value.message


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be read.*setting 'ports'"):
        ports.load(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="cannot be read"):
        ports.load(tmp_path)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="cannot be read"):
        ports.load(tmp_path / "bytes.toml")


def test_the_file_is_as_its_head_says() -> None:
    """The fields that the head names are those of the entries."""
    text = ports._text()
    head = text[: text.index("\n[references]")]
    found = tomllib.loads(text)
    fields = {field for row in found["ports"].values() for field in row} | {f for use in found["used_by"] for f in use}
    for field in fields:
        assert re.search(rf"\b{field}\b", head), field
