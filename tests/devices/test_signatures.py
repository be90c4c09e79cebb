"""Signatures name labelled pages rightly, and files of signatures that are wrong are refused with their line."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest
from labelled_pages import CONFUSERS, http, labelled

from teiten.devices import evidence, signatures
from teiten.devices.survey.talking import _web
from teiten.errors import DataError


def read_as_a_page(told: dict[str, str]) -> dict[str, str | None]:
    """The evidence that the same answer gives when it comes as bytes of HTTP."""
    if not {"title", "server", "realm"} & set(told):
        return {name: evidence.text(value) for name, value in told.items()}
    found = _web(http(told.get("title", ""), told.get("server", ""), told.get("realm", ""))) or {}
    return {**told, **found}


@pytest.mark.parametrize("seed", [1, 2])
def test_labelled_pages_are_named_with_a_precision_of_98_percent(seed: int) -> None:
    known = signatures.built_in()
    named: Counter[bool] = Counter()
    missed: Counter[bool] = Counter()
    seen: Counter[bool] = Counter()
    wrong = []
    for one in labelled(seed):
        found = known.family(read_as_a_page(one.evidence))
        # that a shop runs nginx is no device of a family
        if found is not None and known.families[found].kind == "computer" and one.family is None:
            found = None
        if one.family is not None:
            seen[one.kept_back] += 1
            missed[one.kept_back] += found is None
        if found is not None:
            named[found == one.family] += 1
            if found != one.family:
                wrong.append((one, found))
    precision = named[True] / named.total()
    recall = 1 - missed.total() / seen.total()
    print(
        f"{seen.total()} pages of devices, and {4 * len(CONFUSERS)} others: precision {precision:.4f}, "
        f"named {recall:.4f}, of those kept back {1 - missed[True] / seen[True]:.4f}"
    )
    assert sum(seen.values()) >= 300
    assert precision >= 0.98, wrong[:10]
    assert recall >= 0.95 and 1 - missed[True] / seen[True] >= 0.9


def test_every_signature_of_the_package_names_its_family_somewhere() -> None:
    """No family without a signature, no signature without a source and a date; ids are told apart."""
    known = signatures.built_in()
    assert {one.family for one in known.signatures} == set(known.families)
    assert all(one.source and one.date.year >= 2020 for one in known.signatures)
    assert len(known.families) >= 60


def test_a_device_goes_before_a_server_program_and_the_more_exact_before_the_less() -> None:
    known = signatures.built_in()
    assert known.family({"server": "GoAhead-Webs"}) == "goahead"
    assert known.family({"server": "GoAhead-Webs", "title": "GPON Home Gateway"}) == "gpon"
    assert known.family({"manufacturer": "Huawei", "model": "HG532e"}) in ("huawei-hg532", "huawei")
    assert known.family({"manufacturer": "Huawei Technologies Co., Ltd.", "model": "HG532e"}) == "huawei-hg532"


GOOD = """
[[family]]
id = "mine"
name = "My thing"
vendor = "Me"
kind = "router"

[[signature]]
family = "mine"
title = "My thing*"
source = "I made it"
date = 2026-11-23
"""


def test_a_users_own_folder_stands_beside_the_packages(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(GOOD)
    known = signatures.every(tmp_path)
    assert known.family({"title": "MY THING 7"}) == "mine"
    assert known.family({"title": "NETSurveillance WEB"}) == "xiongmai"


@pytest.mark.parametrize(
    ("change", "line", "why"),
    [
        (("My thing*", "(a+)+$"), 8, "regular expression"),
        (("My thing*", ".*.*.*=.*"), 8, "regular expression"),
        (("My thing*", "^My"), 8, "regular expression"),
        (("My thing*", "[a-z]*x"), 8, "regular expression"),
        (("My thing*", "*"), 8, "nearly everything"),
        (("My thing*", "a*"), 8, "nearly everything"),
        (("My thing*", "a*" * 30 + "thing"), 8, "stars"),
        (("My thing*", "x" * 300), 8, "characters"),
        (('"My thing*"', "7"), 8, "is a text"),
        (("title =", "titel ="), 8, "no 'titel'"),
        (("title = ", "service = "), 8, "asks for something"),
        (("date = 2026-11-23", ""), 8, "date"),
        (('source = "I made it"', ""), 8, "source"),
        (('family = "mine"', 'family = "yours"'), 8, "no family 'yours'"),
        (('kind = "router"', 'kind = "toaster"'), 2, "no kind"),
        (('id = "mine"', 'id = "xiongmai"'), 2, "there already"),
        (('vendor = "Me"', "vendor = "), 5, "no TOML"),
        (("[[signature]]", "[signature]"), 8, "alone"),
        (("[[family]]", "x = 1\n[[family]]"), 2, "alone"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, change: tuple[str, str], line: int, why: str) -> None:
    (tmp_path / "own.toml").write_text(GOOD.replace(*change))
    with pytest.raises(DataError, match=f"own.toml, line {line}: .*{why}"):
        signatures.every(tmp_path)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_bytes(GOOD.encode() + b"\n# \xff\xfe")
    with pytest.raises(DataError, match="line 14: this is no UTF-8"):
        signatures.every(tmp_path)
    with pytest.raises(DataError, match="no folder"):
        signatures.every(tmp_path / "none")


def test_ten_thousand_answers_take_seconds_whatever_they_say() -> None:
    known = signatures.built_in()
    worst = dict.fromkeys(signatures.FIELDS, "a" * 4000)
    began = time.process_time()
    for _ in range(20):
        known.family(worst)
    assert time.process_time() - began < 4
