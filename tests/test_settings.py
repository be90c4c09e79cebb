"""Settings: the file, the flags over it, a clear word for every mistake."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from teiten import settings
from teiten.errors import UsageError

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "teiten.toml"


def test_everything_has_a_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TEITEN_CONFIG", raising=False)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    found = settings.load()
    assert (found.zone_name, found.zone_from, found.language) == ("Asia/Tokyo", "machine", "ja")
    assert found.lake == Path("teiten-lake")
    assert found.sensors == () and found.file is None
    assert found.threshold("comparable_coverage") == settings.THRESHOLDS["comparable_coverage"].default


def test_the_example_is_read_whole() -> None:
    found = settings.load(config=EXAMPLE)
    assert (found.zone_name, found.zone_from, found.language) == ("Asia/Tokyo", "teiten.toml", "ja")
    assert found.lake == EXAMPLE.parent / "teiten-lake"
    abroad = found.sensor("abroad")
    assert abroad and (abroad.group, abroad.country, abroad.addresses, abroad.zone) == ("overseas", "NL", 4, "UTC")
    assert abroad.start == dt.datetime(2026, 4, 1)
    assert found.sensor("nobody") is None
    hit = found.sensor_of(EXAMPLE.parent / "home" / "router.log.1")
    assert hit and hit.name == "home"
    assert found.sensor_of(EXAMPLE.parent / "elsewhere.log") is None


def test_a_flag_wins_over_the_file() -> None:
    found = settings.load(config=EXAMPLE, zone="UTC", language="en", lake="other")
    assert (found.zone_name, found.zone_from, found.language, found.lake) == ("UTC", "flag", "en", Path("other"))


def test_the_file_is_found_by_name_and_by_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TEITEN_CONFIG", raising=False)
    (tmp_path / "teiten.toml").write_text("zone = 'Europe/Paris'")
    assert settings.load().zone_name == "Europe/Paris"
    (tmp_path / "other.toml").write_text("zone = 'Asia/Seoul'\n[thresholds]\ncomparable_coverage = 0.5")
    monkeypatch.setenv("TEITEN_CONFIG", str(tmp_path / "other.toml"))
    assert settings.load().zone_name == "Asia/Seoul"
    assert settings.load().threshold("comparable_coverage") == 0.5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("zone = 'Mars'", "'Mars' is no time zone"),
        ("zone = 3", "zone must be the name of a time zone, not 3"),
        ("colour = 1", "knows no setting 'colour'"),
        ("lake = true", "lake must be the name of a folder"),
        ("sensor = 3", "sensor must be a table"),
        ("[sensor]\nhome = 3", "must be a table"),
        ("[sensor.home]\naddresses = 0", "addresses must be at least 1"),
        ("[sensor.home]\npaths = 'x'", "paths must be a list"),
        ("[sensor.home]\nfrom = 'soon'", "from must be a date"),
        ("[sensor.home]\nzone = 'Mars'", "'Mars' is no time zone"),
        ("[reading]\nmax_line = true", "max_line must be a whole number"),
        ("[reading]\nmax_ratio = 0", "max_ratio must be at least 1"),
        ("[reading]\npayload_bytes = 513", "payload_bytes must be a whole number from 0 to 512"),
        ("[reading]\npayload_bytes = true", "payload_bytes must be a whole number from 0 to 512"),
        ("query_memory_mb = 50", "query_memory_mb must be at least 100"),
        ("query_memory_mb = true", "query_memory_mb must be a whole number"),
        ("[thresholds]\ncolour = 1", "knows no setting 'colour'"),
        ("[thresholds]\ncomparable_coverage = 'all'", "comparable_coverage must be a number"),
        ("zone = ", "is no TOML that I can read"),
        (
            "[sensor.a]\noutages = [{from = 2026-05-03, to = 2026-05-05}, {from = 2026-05-04, to = 2026-05-06}]",
            "not one after another",
        ),
        ("[sensor.a]\noutages = [{from = 2026-05-03}, {from = 2026-05-04}]", "not one after another"),
        ("[sensor.a]\noutages = [{to = 2026-05-03}]", "has no from"),
        ("[sensor.a]\noutages = [{from = 2026-05-03, why = 'x'}]", "no setting 'why'"),
        ("[sensor.a]\nruns = [{to = 2026-05-05}, {from = 2026-05-04}]", "not one after another"),
    ],
)
def test_a_mistake_is_named(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        settings.load(config=path, zone="UTC")


def test_every_threshold_says_what_it_decides() -> None:
    assert all(len(one.text) > 20 for one in settings.THRESHOLDS.values())


def test_how_reports_speak(tmp_path: Path) -> None:
    path = tmp_path / "teiten.toml"
    path.write_text(
        "zone = 'Asia/Tokyo'\nport_style = 'TCP#23'\ncountry = 'オランダ'\norganisations = ['NOTICE']\n"
        "[watch]\nsince = 2019-02-20\n",
        encoding="utf-8",
    )
    found = settings.load(config=path)
    assert (found.port_style, found.followed, found.organisations) == ("TCP#23", "NL", ("NOTICE",))
    assert found.watch_since == dt.date(2019, 2, 20)
    assert settings.load(zone="Asia/Tokyo").followed == "JP"
    assert settings.load(zone="Europe/Paris").followed is None
    assert found.animations
    path.write_text("zone = 'Asia/Tokyo'\ncountry = 'None'\nanimations = false")
    assert settings.load(config=path).followed is None
    assert not settings.load(config=path).animations


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ports = 3", "ports must be the name of a file"),
        ("port_style = '23'", "port_style '23' is unknown"),
        ("country = 'Atlantis'", "'Atlantis' is no country"),
        ("country = 5", "must be the code of a country"),
        ("organisations = 'NOTICE'", "must be a list of organisations"),
        ("organisations = [1]", "must be a list of names"),
        ("animations = 'no'", "animations must be true or false, not 'no'"),
        ("[watch]\nuntil = 2019-02-20", "knows no setting 'until'"),
        ("[watch]\nsince = 'spring'", "must be a date or a time"),
    ],
)
def test_wrong_words_for_reports(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "teiten.toml").write_text(text)
    with pytest.raises(UsageError, match=words):
        settings.load(config=tmp_path / "teiten.toml")


def test_a_table_of_ports_lies_beside_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "teiten.toml"
    file.write_text("ports = 'my-ports.toml'\n", encoding="utf-8")
    assert settings.load(config=file).ports == tmp_path / "my-ports.toml"
    file.write_text("", encoding="utf-8")
    assert settings.load(config=file).ports is None


def test_services_of_a_sensor(tmp_path: Path) -> None:
    path = tmp_path / "teiten.toml"
    path.write_text('[sensor.home]\nservices = ["80/tcp", "53/udp"]')
    assert settings.load(config=path, zone="UTC").sensors[0].services == ((6, 80), (17, 53))


@pytest.mark.parametrize("text", ["http", "80", "0/tcp", "65536/udp", "80/icmp", "٨٠/tcp"])
def test_what_is_no_service_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "teiten.toml"
    path.write_text(f'[sensor.home]\nservices = ["{text}"]', encoding="utf-8")
    with pytest.raises(UsageError, match="is no service"):
        settings.load(config=path, zone="UTC")


def test_outages_of_a_sensor(tmp_path: Path) -> None:
    path = tmp_path / "t.toml"
    two = "{from = 2026-05-03, to = 2026-05-05, because = 'moved'}, {from = 2026-06-01}"
    path.write_text(f"[sensor.a]\noutages = [{two}]\nruns = []\n")
    (sensor,) = settings.load(config=path).sensors
    zone = ZoneInfo("Asia/Tokyo")
    span = (dt.datetime(2026, 5, 4, tzinfo=zone), dt.datetime(2026, 7, 1, tzinfo=zone))
    assert sensor.off(*span, zone) == [
        (span[0], dt.datetime(2026, 5, 5, tzinfo=zone), "moved"),
        (dt.datetime(2026, 6, 1, tzinfo=zone), span[1], ""),
    ]
    assert sensor.runs == ()


def test_who_publishes_and_whether_on_paper(tmp_path: Path) -> None:
    config = tmp_path / "teiten.toml"
    config.write_text('pdf = false\n[publish]\nname = " Example CERT "\nurl = "https://example.org/r"\n', encoding="utf-8")
    found = settings.load(config=config)
    assert (found.pdf, found.publisher, found.site) == (False, "Example CERT", "https://example.org/r/")
    assert (settings.load().pdf, settings.load().publisher, settings.load().site) == (True, "", "")
    for wrong, said in (
        ("pdf = 1", "pdf must be true or false"),
        ('[publish]\nurl = "example.org"', "no address of a site"),
        ('[publish]\nurl = "https://example.org/?a=1"', "no address of a site"),
        ("[publish]\nname = 3", "must be a name"),
    ):
        config.write_text(wrong, encoding="utf-8")
        with pytest.raises(UsageError, match=said):
            settings.load(config=config)
