"""Stories in words: what changed, since when, from where, how much beside the usual; apart from that, what it may mean.

    speech = Speech(words, settings, day, zone)
    told = tell(speech, story)        # Told: a title, sentences, doubts, advice
    plain(sentence)                   # text without its links, for an alert

Templates (`lang/*.toml`, [tell]) and rules, no language model: what can be said of each kind of detection says `_kinds.py`.
Nothing here asks a lake.
"""

from __future__ import annotations

from teiten.report.words._kinds import Told, ranked, ranks, tell, together
from teiten.report.words._much import HARDLY
from teiten.report.words._speech import Speech, plain
from teiten.report.words.background import advice, background

__all__ = ["HARDLY", "Speech", "Told", "advice", "background", "plain", "ranked", "ranks", "tell", "together"]
