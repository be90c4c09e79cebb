"""The name of a lake on an object store, and [store]."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from teiten import settings, storing
from teiten.errors import UsageError


def test_a_name_leads_to_a_folder_of_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEITEN_CACHE", str(tmp_path))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "never-written-down")
    file = tmp_path / "teiten.toml"
    file.write_text('lake = "s3://observatory/far/lake"\n[store]\nendpoint = "https://s3.example.org/"\ncache_size = "2GB"\n')
    found = settings.load(config=file)
    told = json.loads((found.lake / storing.NAME).read_text())
    assert told == {
        "url": "s3://observatory/far/lake", "endpoint": "https://s3.example.org", "region": "us-east-1",
        "cache_size": 2_000_000_000
    }  # fmt: skip
    assert found.lake.is_relative_to(tmp_path) and found.lake.name.startswith("observatory-lake-")
    assert "never-written-down" not in "".join(p.read_text() for p in tmp_path.rglob("*") if p.is_file())
    # a flag's Path has one slash less
    assert settings.load(config=file, lake=Path("s3://observatory/far/lake")).lake == found.lake
    assert settings.load(config=file, lake="s3://observatory/other").lake != found.lake


def test_the_endpoint_is_part_of_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEITEN_CACHE", str(tmp_path))
    here = storing.folder("s3://observatory/lake", storing.Store())
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9000")
    assert storing.folder("s3://observatory/lake", storing.Store()) != here


@pytest.mark.parametrize("name", ["s3://", "s3://x", "s3://UPPER/x", "s3://bucket/a b", "s3://bucket/a?b", "s3://../../etc"])
def test_what_names_no_lake(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names no lake on an object store"):
        storing.folder(name, storing.Store(cache=str(tmp_path)))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"endpiont": "x"}, "knows no setting 'endpiont'"),
        ({"endpoint": "s3.example.org"}, "is no address"),
        ({"cache_size": "much"}, "is no size"),
        ({"region": 1}, "must be a text"),
        ([], "must be a table"),
    ],
)
def test_wrong_settings(table: object, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        storing.read(table, "teiten.toml, [store]")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        storing.folder("s3://bucket/x", storing.Store(cache=str(tmp_path / "file")))
