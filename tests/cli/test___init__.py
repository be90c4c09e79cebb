"""The command line: commands found by being there, exit codes, quiet ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from teiten import __version__, cli
from teiten.errors import InputError, UsageError


def test_commands_are_found_and_underscored_modules_are_not() -> None:
    found = cli.commands()
    assert "decode" in found and "bench" in found
    assert not [name for name in found if name.startswith("_")]
    assert cli.parser().parse_args(["bench", "size"]).command == "bench"


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.strip() == f"teiten {__version__}"
    assert cli.main([]) == 0
    assert "teiten demo" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InputError("There is no file x.", hint="Check its name."), 1, "teiten bench: There is no file x. Check its name.\n"),
        (UsageError("'x' is no zone."), 2, "teiten bench: 'x' is no zone.\nTry: teiten bench --help\n"),
        (KeyboardInterrupt(), 130, "\nteiten: stopped."),
    ],
)
def test_errors_become_one_sentence_and_a_code(
    error: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(args: object) -> int:
        raise error

    monkeypatch.setattr(cli.commands()["bench"], "main", fail)
    assert cli.main(["bench", "size"]) == code
    told = capsys.readouterr()
    assert told.err.startswith(said)
    assert told.out == ""


def test_the_module_is_the_program() -> None:
    run = subprocess.run([sys.executable, "-m", "teiten", "--version"], capture_output=True, text=True, check=True)
    assert run.stdout == f"teiten {__version__}\n"


def test_files_may_stand_before_between_and_after_options() -> None:
    top = cli.parser()
    assert cli._parse(top, ["top", "ports", "--year", "2019", "a.log", "-n", "3", "b.log"]).files == ["a.log", "b.log"]
    assert cli._parse(top, ["decode", "a.log", "--tz", "UTC", "-"]).files == ["a.log", "-"]
    assert cli._parse(top, ["top", "ports"]).files == []
    assert cli._parse(top, ["report", "monthly", "--lang", "ja", "2019-10"]).period == "2019-10"


@pytest.mark.parametrize(
    "words", [["top", "ports", "--colour", "a.log"], ["bench", "size", "more"], ["report", "daily", "2019-10-22", "more"]]
)
def test_words_that_nobody_takes_are_wrong_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(words)
    assert stop.value.code == 2
    assert "unrecognized arguments" in capsys.readouterr().err


def test_a_full_disk_under_stderr_ends_nothing(tmp_path: Path) -> None:
    """`teiten ... 2> FILE` where FILE's disk is full: what cannot be told is not told, the exit code stays."""
    command = [sys.executable, "-m", "teiten", "top", "ports", "--lake", str(tmp_path)]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stderr=full, check=False)
    assert done.returncode == 1


def test_a_library_that_is_not_there_is_asked_for(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What only single commands need is not everybody's; whoever wants it is told how."""

    def without(args: object) -> int:
        import cryptography.exceptions  # noqa: F401

        return 0

    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    monkeypatch.setattr(cli, "_run", without)
    assert cli.main(["federate", "key"]) == 1
    assert capsys.readouterr().err == (
        "teiten federate: this needs cryptography, which is not installed. pip install 'teiten[federate]'\n"
    )
    monkeypatch.setitem(sys.modules, "teiten.federation", None)
    monkeypatch.setattr(cli, "_run", lambda args: __import__("teiten.federation") and 0)
    with pytest.raises(ModuleNotFoundError):
        cli.main(["federate", "key"])
