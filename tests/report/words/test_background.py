"""What is known of a port, and advice: where they are said, once, and with whose word."""

from __future__ import annotations

from tests.report.words import made

from teiten.detect import model
from teiten.report.model import Footnote
from teiten.report.words import advice, background, plain


def rising(port: int, state: str = "new", country: str | None = None) -> model.Story:
    return made.story(state, made.found(model.RISING, (port,), country, packets=900, usual=80))


def test_malware_is_named_with_its_source_and_no_claim() -> None:
    (said,) = background(made.speech("en"), [rising(9530)])
    assert "not known" in plain(said)
    assert any(isinstance(piece, Footnote) and piece.url for piece in said)


def test_only_of_a_port_that_is_new_and_as_a_whole() -> None:
    speech = made.speech("ja")
    assert not background(speech, [rising(9530, "high")])
    assert not background(speech, [rising(9530, country="NL")])
    assert not background(speech, [rising(64999)])


def test_three_times_on_a_page() -> None:
    speech = made.speech("ja")
    said = [background(speech, [rising(port)]) for port in (9001, 3306, 9530, 22, 1433)]
    assert [len(one) for one in said] == [1, 1, 1, 0, 0]


def test_advice_comes_once_and_where_it_is_news() -> None:
    speech = made.speech("ja")
    assert not advice(speech, [rising(1433, "high")])
    (said,) = advice(speech, [rising(1433)])
    assert "1433/tcp" in plain(said) and any(isinstance(piece, Footnote) for piece in said)
    assert not advice(speech, [rising(1433)])
    assert advice(made.speech("ja"), [rising(1433, "high")], long=True)
