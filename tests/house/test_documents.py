"""What the documents say is so: the reference is the code's, links lead somewhere, examples run, every word is explained."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from teiten import cli, lang

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_up_to_date() -> None:
    made = tool("build_docs").pages()
    stale = [name for name, text in made.items() if _read(DOCS / "reference" / name) != text]
    assert not stale, f"run `make docs`, these are behind the code: {stale}"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


@pytest.mark.parametrize("name", sorted(cli.commands()))
def test_a_command_keeps_its_contract(name: str) -> None:
    """NAME, HELP (lower case, no full stop), EXAMPLE that begins with the command, help for every argument."""
    module = cli.commands()[name]
    assert name == module.NAME
    assert module.HELP[0].islower() and not module.HELP.endswith("."), f"{name}: {module.HELP}"
    assert all(line.strip().startswith("teiten ") or "| teiten" in line for line in module.EXAMPLE.strip().splitlines())
    assert f"teiten {name}" in module.EXAMPLE
    parser = cli.parser()
    shown = subprocess.run(
        [sys.executable, "-m", "teiten", name, "--help"], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    assert "Example" in shown and module.EXAMPLE.strip().splitlines()[0].strip() in shown
    sub = next(a for a in parser._actions if hasattr(a, "choices") and a.choices and name in a.choices).choices[name]  # type: ignore[index]
    silent = [a.dest for a in sub._actions if not a.help]
    assert silent in ([], ["action"]), f"{name}: no help for {silent}"


def test_every_command_is_in_both_guides_and_the_readme() -> None:
    for page in (ROOT / "README.md", *(DOCS / "guide" / code for code in ("en", "ja"))):
        text = _read(page) if page.is_file() else "".join(_read(p) for p in sorted(page.glob("*.md")))
        missing = [name for name in cli.commands() if f"teiten {name}" not in text]
        assert not missing, f"{page.name} says nothing of {missing}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", _read(page), flags=re.DOTALL)
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target or target.startswith(("#", "mailto:")):
            continue
        if not (page.parent / target.partition("#")[0]).exists():
            dead.append(target)
    assert not dead, dead


def test_the_guide_says_the_same_in_both_languages() -> None:
    english, japanese = ({p.name for p in (DOCS / "guide" / code).glob("*.md")} for code in ("en", "ja"))
    assert english == japanese
    assert english


def test_japanese_pages_are_japanese() -> None:
    for page in (DOCS / "guide" / "ja").glob("*.md"):
        text = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", "", _read(page), flags=re.DOTALL)
        kana = len(re.findall(r"[ぁ-んァ-ヶ一-龠]", text))
        assert kana > 0.5 * len(re.findall(r"\S", text)), page.name


@pytest.mark.parametrize("page", DECISIONS, ids=lambda p: p.stem)
def test_a_decision_says_why(page: Path) -> None:
    text = _read(page)
    assert re.match(rf"# {page.name[:4]} \S", text)
    heads = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert {"Context", "Choice", "Alternatives"} <= set(heads), heads
    assert page.name in _read(DOCS / "decisions" / "README.md")
    assert "@" not in text


WORDS = (
    "sensor", "telescope", "event", "source", "destination", "host", "scan", "session", "campaign", "backscatter",
    "announced scanner", "large scanner", "research scanner", "port scanner", "verdict", "watchlist", "detection", "story",
    "section", "report", "period", "rejected", "ignored", "coverage", "gap", "lake",
)  # fmt: skip


def test_the_glossary_has_every_word_of_the_contract() -> None:
    rows = re.findall(r"^\| \*\*(.+?)\*\*[^|]*\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", _read(ROOT / "GLOSSARY.md"), re.MULTILINE)
    told = {word for word, *_ in rows}
    assert not set(WORDS) - told, set(WORDS) - told
    for word, japanese, meaning, origin in rows:
        assert re.search(r"[ぁ-んァ-ヶ一-龠]", japanese), word
        assert len(meaning) > 20 and origin.strip(), word


def test_languages_have_the_same_entries() -> None:
    keys = {code: set(lang.entries(code)) for code in lang.languages()}
    for code, found in keys.items():
        assert found == keys["en"], f"{code}: {sorted(found ^ keys['en'])}"


def _snippets() -> list[tuple[Path, str]]:
    """Shell blocks marked ```sh run, and examples/*.sh; what differs from page to page in its language alone is run once."""
    found: dict[str, tuple[Path, str]] = {}
    for page in PAGES:
        for block in re.findall(r"^```sh run\n(.*?)^```$", _read(page), re.MULTILINE | re.DOTALL):
            found.setdefault(re.sub(r'--lang (en|ja)|"[^"\n]*"', "", block), (page, block))
    return [*found.values(), *((path, _read(path)) for path in sorted((ROOT / "examples").glob("*.sh")))]


def _marked() -> list[Any]:
    """What a newcomer types first is tried each time, the rest in the long suite."""
    first = ("README.md", "first-steps.md")
    found = _snippets()
    return [pytest.param(*one, marks=[] if one[0].name in first else [pytest.mark.full]) for one in found]


@pytest.mark.parametrize(("page", "script"), _marked(), ids=lambda v: v.name if isinstance(v, Path) else "")
def test_what_the_documents_tell_to_type_works(page: Path, script: str, tmp_path: Path) -> None:
    """In an empty folder that holds the example log as router.log and a line or two of each device, as a reader would."""
    shutil.copy(ROOT / "examples" / "router.log", tmp_path)
    shutil.copytree(ROOT / "examples" / "routers", tmp_path / "routers")
    shutil.copy(ROOT / "examples" / "teiten.toml", tmp_path / "example.toml")
    # ZMap's table takes seconds to make and is the same for all
    table = Path(os.environ["TEITEN_DATA"]) / "zmap"
    table.mkdir(exist_ok=True)
    (tmp_path / "user-data").mkdir()
    (tmp_path / "user-data" / "zmap").symlink_to(table)
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "TZ": "Asia/Tokyo",
        "TEITEN_DATA": str(tmp_path / "user-data"),
    }
    run = subprocess.run(
        ["bash", "-e", "-u", "-o", "pipefail", "-c", script],
        cwd=tmp_path, env=env, capture_output=True, text=True, timeout=240, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert run.returncode == 0, f"{page.name}:\n{script}\n{run.stdout[-2000:]}\n{run.stderr[-2000:]}"
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("log", sorted((ROOT / "examples" / "routers").glob("*.log")), ids=lambda p: p.stem)
def test_each_devices_line_is_shown_in_the_guide_and_read(log: Path) -> None:
    """What the guide shows as a device's line is the line that is read here."""
    lines = _read(log).splitlines()
    for code in ("en", "ja"):
        page = _read(DOCS / "guide" / code / "routers.md")
        for line in lines:
            shown = [text for text in page.splitlines() if len(text) > 60 and line.startswith(text.split(" ...")[0])]
            assert shown, f"{code}: {line[:80]}"
    rows = [
        json.loads(row)
        for row in subprocess.run(
            [sys.executable, "-m", "teiten", "decode", "--year", "2019", "--tz", "Asia/Tokyo", str(log)],
            capture_output=True, text=True, timeout=120, check=True,
        ).stdout.splitlines()
    ]  # fmt: skip
    assert len(rows) == len(lines)
    assert all(row["time"].startswith("2019-10-21T20:02") and row["src_ip"].startswith("192.0.2.") for row in rows)
    assert all(row["action"] in ("drop", "reject") and row["interface"] and row["dst_port"] for row in rows)


def test_the_readmes_commands_are_there() -> None:
    text = _read(ROOT / "README.md")
    makefile = _read(ROOT / "Makefile")
    for word in re.findall(r"make ([a-z-]+)", text):
        assert re.search(rf"^{word}:", makefile, re.MULTILINE), word
