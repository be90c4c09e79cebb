"""Text of others is obeyed by nothing: spreadsheets, terminals, mail, chats, logs (promise 15)."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from email import message_from_bytes
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten import inert, settings
from teiten.alerting import Channel
from teiten.alerts.channels import Message
from teiten.alerts.channels import file as to_file
from teiten.alerts.channels import mail as by_mail
from teiten.alerts.channels import stdout as to_stdout
from teiten.cli import _output, main
from teiten.report import rows
from teiten.report.model import Data

from .web import conftest as web

FIRST = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "\0",
    "\uff1d",
    "\uff0b",
    "\uff0d",
    "\uff20",
    " =",
    '"=',
    "'=",
    "\t=",
    "\ufeff=",
    "\u200b=",
)
AFTER = ("1+1", 'HYPERLINK("http://192.0.2.1/","x")', "cmd|' /C calc'!A0", "SUM(1;2)", "IMPORTXML(1,2)", "A1")
WITHIN = ("a;=1+1", "a\t=1+1", "a\n=1+1", 'a";"=1+1', "a,=1+1", "a\r\n@SUM(1)", "a;\t+1", "x; -1+2")
OBEYED = (
    "\x1b[2J",
    "\x1b]0;x\x07",
    "\x9b31m",
    "a\rb",
    "a\r\nBcc: x@example.org",
    "\x08\x08",
    "\u202egnp.exe",
    "\u2028",
    "\x7f",
    "a\0b",
    "\u200b",
)
CELLS = tuple(dict.fromkeys([*(a + b for a in FIRST for b in AFTER), *WITHIN, *OBEYED]))
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def no_formula(text: str) -> bool:
    """By rule: no cell begins with what a formula does, wherever a spreadsheet ends cells."""
    for delimiter in (",", ";", "\t"):
        for row in csv.reader(io.StringIO(text), delimiter=delimiter):
            for cell in row:
                if re.match(rf"""[\s"]*[{inert.BEGINS}]""", cell) and not re.fullmatch(r"-?[0-9][0-9.e+-]*", cell):
                    return False
    return CONTROL.search(text) is None


def test_what_a_text_becomes() -> None:
    assert [inert.cell(one) for one in ("=1", "+1", "-1", "@a", "\ta", "\ra", "\0a", "a=1", "")] == [
        "'=1", "'+1", "'-1", "'@a", "'\ta", "'\\x0da", "'\\x00a", "a=1", "",
    ]  # fmt: skip
    assert inert.line("a\x1b[2J\n\u202eb\U000e0041") == "a\\x1b[2J\\x0a\\u202eb\\U000e0041"
    assert inert.text("a\tb\r\nc") == "a\tb\\x0d\nc"
    assert inert.line("東京\u3000\uff1d \N{GRINNING FACE}") == "東京\u3000\uff1d \N{GRINNING FACE}"


@given(st.text(max_size=30))
def test_any_text(told: str) -> None:
    assert no_formula(inert.cell(told).replace('"', "").replace(",", "").replace("\n", " "))
    assert CONTROL.search(inert.line(told)) is None and "\n" not in inert.line(told)
    assert inert.cell(inert.text("a" + told.replace(";", ""))) == inert.cell("a" + told.replace(";", ""))


@given(st.lists(st.one_of(st.text(st.characters(codec="utf-8"), max_size=12), st.sampled_from(CELLS)), min_size=1, max_size=8))
def test_commands_and_reports_write_the_same_cells(texts: list[str]) -> None:
    """The one looks at columns at once (polars), the other at each cell."""
    sink = io.BytesIO()
    _output._csv(iter([pl.DataFrame({"a": texts})]), {"a": pl.String()}, sink)
    mine = list(csv.reader(io.StringIO(sink.getvalue().decode(), newline="")))
    theirs = list(
        csv.reader(io.StringIO(rows.csv_bytes(Data("x", ("a",), [(one,) for one in texts], "")).decode(), newline=""))
    )
    assert [one or [""] for one in mine] == [one or [""] for one in theirs]


# the outputs themselves ---------------------------------------------------------------------------------------------------


NAMES = (
    "=1+1",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    '=HYPERLINK("http://192.0.2.1/","x")',
    "a;=1+1",
    "\uff1d1+1",
    "\x1b[2Jx",
    "a\r\nBcc: x",
)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """CSVs of a lake whose sensors are called as a formula is: of commands, of the API, of a report; and every payload."""
    folder = tmp_path_factory.mktemp("inert")
    tables = []
    for at, name in enumerate(NAMES):
        lines = (web.line(web.BEGIN + dt.timedelta(hours=hour), f"8.8.{at}.{hour}", 23) for hour in range(24))
        (folder / f"{at}.log").write_text("".join(lines))
        tables.append(f'[sensor.{json.dumps(name)}]\npaths = ["{at}.log"]\n')
    (folder / "teiten.toml").write_text('zone = "Asia/Tokyo"\nlake = "lake"\npdf = false\n' + "".join(tables), encoding="utf-8")
    config = ["--config", str(folder / "teiten.toml")]
    assert told(["ingest", *config, str(folder)])[0] == 0
    asked = ["sql", *config, "--output", "csv", 'SELECT sensor AS "=1+1", min(time) FROM events GROUP BY 1']
    out = {
        "teiten top": told(["top", "sensors", *config, "--output", "csv", "--from", "2019-10-21", "--to", "2019-10-22"])[1],
        "teiten sql": told(asked)[1],
        "report/rows": rows.csv_bytes(Data("x", ("=a", "b"), [(one, n) for n, one in enumerate(CELLS)], "")).decode(),
    }
    sink = io.BytesIO()
    _output._csv(iter([pl.DataFrame({"a": CELLS})]), {"a": pl.String()}, sink)
    out["commands"] = sink.getvalue().decode()
    assert told(["report", "daily", "2019-10-21", *config, "--lang", "en", "--out", str(folder / "report")])[0] == 0
    out |= {f"report {one.name}": one.read_text() for one in sorted((folder / "report" / "data").glob("*.csv"))}
    with web.served(settings.load(config=folder / "teiten.toml"), workers=1) as client:
        for place in ("sensors?format=csv", "rank/sensors?period=2019-10-21&format=csv", "events?period=2019-10-21&format=csv"):
            answer = client.get(f"/api/v1/{place}")
            assert answer.status == 200, answer.text
            out[f"API {place}"] = answer.text
    assert len(out) > 12 and all(re.search(r"1\+1", out[one]) for one in ("teiten top", "teiten sql", "API sensors?format=csv"))
    return out


def told(words: Sequence[str]) -> tuple[int, str, str]:
    """Exit code, what it gave, what it said."""
    out, said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline=""), io.StringIO()
    with redirect_stdout(out), redirect_stderr(said):
        code = main(list(words))
    out.flush()
    return code, out.buffer.getvalue().decode(), said.getvalue()  # type: ignore[attr-defined]


def test_no_cell_is_a_formula_by_rule(exported: dict[str, str]) -> None:
    for name, text in exported.items():
        assert no_formula(text), name


@pytest.mark.full
def test_no_cell_is_a_formula_in_a_spreadsheet(
    exported: dict[str, str], tmp_path: Path, figure: Callable[[int, str], None]
) -> None:
    """LibreOffice opens each, with cells that end at a comma, a semicolon, a tab: none holds a formula. One of ours would."""
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("needs LibreOffice Calc")
    (tmp_path / "control.csv").write_text('=1+1,"=HYPERLINK(""http://192.0.2.1/"";""x"")"\na;=2+2\nb\t=3+3\n')
    for at, text in enumerate(exported.values()):
        (tmp_path / f"{at}.csv").write_bytes(text.encode())
    found: dict[str, list[int]] = {}
    cells = 0
    for code in (44, 59, 9):
        out = tmp_path / str(code)
        subprocess.run(
            [office, "--headless", f"-env:UserInstallation=file://{tmp_path}/office", "--convert-to", "fods", "--outdir",
             str(out), f"--infilter=CSV:{code},34,76,1", *map(str, sorted(tmp_path.glob("*.csv")))],
            check=True, capture_output=True, timeout=500,
        )  # fmt: skip
        for one in sorted(out.glob("*.fods")):
            tree = ElementTree.parse(one)
            name = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
            every = tree.findall(f".//{name}table-cell")
            cells += len(every)
            found.setdefault(one.stem, []).append(sum(f"{name}formula" in cell.attrib for cell in every))
    control = found.pop("control")
    assert control == [2, 2, 2], "a formula that is one is seen"
    assert len(found) == len(exported) and not any(map(any, found.values())), found
    figure(
        15,
        f"{len(found)} CSVs ({len(CELLS)} payloads, sensors called as formulas are) opened by LibreOffice Calc, cells ending "
        f"at a comma, a semicolon, a tab: {cells:,} cells, no formula; 6 in the file that was made to have them",
    )


HOSTILE = "a\x1b[2J\r\nBcc: thief@example.org\r\n\r\n<b>\x9b31m\u202e"


def messages() -> Iterator[Message]:
    for at, one in enumerate((HOSTILE, *CELLS)):
        item = {"id": "1", "title": one, "about": {"sensor": one, "ports": [one]}}
        yield Message(f"m{at}", "2026-11-23T00:00:00+00:00", "en", f"New: {one}", f"Of {one}\nand more.", (item,))


def test_mail_chat_and_file_carry_text_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], figure: Callable[[int, str], None]
) -> None:
    mail = Channel("m", "mail", sender="a@example.org", to=("b@example.org",), server="x")
    to = Channel("f", "file", path=tmp_path / "out.jsonl")
    sent = 0
    for one in messages():
        read: Any = message_from_bytes(by_mail.made(mail, one).as_bytes())
        assert "Bcc" not in read and len(read.get_all("Subject")) == 1 and read["To"] == "b@example.org"
        assert CONTROL.search(read.get_payload(decode=True).decode()) is None
        to_stdout.send(Channel("o", "stdout"), one)
        to_file.send(to, one)
        assert CONTROL.search(json.dumps(one.table(), ensure_ascii=False)) is None
        sent += 1
    assert CONTROL.search(capsys.readouterr().out) is None
    written = (tmp_path / "out.jsonl").read_text()
    assert CONTROL.search(written) is None and len(written.splitlines()) == sent
    figure(
        15,
        f"{sent} messages with ANSI, CR/LF, turned letters: as a mail, as JSON for a chat, to file and terminal: no control "
        "character, no head of a mail that was not ours",
    )


def test_errors_and_tables_say_names_of_files_as_text(tmp_path: Path) -> None:
    name = tmp_path / "a\x1b]0;x\x07\nteiten: all is well\u202e.log"
    code, _, said = told(["decode", str(name)])
    assert code == 1 and CONTROL.search(said) is None
    (tmp_path / "teiten.toml").write_text('lake = "none"\n')
    for words in (["top", "ports", "--country", "\x1b[2J"], ["sql", "SELECT '\x1b[2J' AS \"\x1b[1m\""]):
        code, out, said = told([*words, "--config", str(tmp_path / "teiten.toml")])
        assert code and CONTROL.search(out + said) is None


@pytest.mark.parametrize("form", ["jsonl", "json", "table"])
def test_rows_of_commands_are_no_orders_to_a_terminal(form: str) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
    with redirect_stdout(out):
        _output.write_rows([{"a": one, "b": 1} for one in (*OBEYED, *CELLS)], form)
    out.flush()
    text = out.buffer.getvalue().decode()  # type: ignore[attr-defined]
    assert CONTROL.search(text.replace("\n", "")) is None
