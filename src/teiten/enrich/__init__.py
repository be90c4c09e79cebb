"""What is known of an event's source besides the event itself: country and AS number, of the event's day."""

from __future__ import annotations

from teiten.enrich.columns import Enriched
from teiten.enrich.datasets import Attribution, attributions
from teiten.enrich.geo import enrich

__all__ = ["Attribution", "Enriched", "attributions", "enrich"]
