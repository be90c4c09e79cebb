"""Devices of a country's Mirai hosts, and of the sources of a report; None where there is no evidence at all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from teiten.devices import asked
from teiten.devices.asked import Found
from teiten.engine.filters import Filters

if TYPE_CHECKING:
    from teiten.report.answers import Answers


def mirai(answers: Answers, country: str) -> Found | None:
    """The devices of that country's Mirai hosts, day by day."""
    return _found(answers, replace(answers.filters, tool=("mirai",), country=(country,)))


def sources(answers: Answers) -> Found | None:
    """The devices of the sources that the report is about."""
    return _found(answers, answers.filters)


def _found(answers: Answers, wanted: Filters) -> Found | None:
    session = answers.session
    # most lakes have none: then nothing more is asked
    if not session.query("SELECT true AS there FROM devices LIMIT 1"):
        return None
    found = asked.of(session, wanted, session.settings)
    return found if any(day.answered for day in found.days) else None
