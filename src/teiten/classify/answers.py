"""Sources whose packets are answers to packets that nobody here sent: counts by form, and what only looks like an answer.

Forms are corsaro's (column `kind`: SYN-ACK, any RST, ICMP errors and replies, UDP from port 53). Two things look like them:
a scanner that sends SYN-ACK or RST to see what happens, and one that asks from port 53 to get past a firewall. A victim answers
from the few ports that were attacked to the many that its attacker drew; a scanner goes from many ports, or from one, to few.
So answers over TCP do not count where their source ports are more than their destination ports, nor do those from 53/udp where
they go to fewer destination ports than half of their packets, or to a port below 1024 alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from teiten.classify.attacks import ANSWER

if TYPE_CHECKING:
    from teiten.classify.material import Material

ENOUGH: Final = 5
"""packets of a form from which on its ports say whether it is an answer"""
FORMS: Final = ("syn_ack", "rst", "icmp_error", "icmp_reply", "dns")

_FORMS: Final = """
SELECT src_ip, day, {answer} AS answer, sum(packets)::BIGINT AS packets, count(*) AS events,
       count(DISTINCT src_port) AS from_ports, count(DISTINCT dst_port) AS to_ports, min(dst_port) AS lowest
FROM judged SEMI JOIN chosen USING (src_ip, day)
WHERE kind = 'backscatter'
GROUP BY ALL
"""


def counted(material: Material) -> pl.DataFrame:
    """For each chosen source and day with packets that have the form of answers: src_ip, day, `answers` (those that count),
    and packets by form (`FORMS`)."""
    rows = material.ask(_FORMS.format(answer=ANSWER))
    tcp = pl.col("answer").is_in(["syn-ack", "rst"])
    asks = tcp & (pl.col("events") >= ENOUGH) & (pl.col("from_ports") > pl.col("to_ports"))
    dns = pl.col("answer") == "dns"
    asks |= dns & (pl.col("events") >= ENOUGH) & (pl.col("to_ports") * 2 < pl.col("events"))
    asks |= dns & (pl.col("events") < ENOUGH) & (pl.col("lowest") < 1024)
    rows = rows.with_columns(pl.when(asks).then(0).otherwise(pl.col("packets")).alias("counts"))
    return rows.group_by("src_ip", "day").agg(
        pl.col("counts").sum().alias("answers"),
        *(
            pl.col("packets").filter(pl.col("answer") == name.replace("_", "-" if name == "syn_ack" else " ")).sum().alias(name)
            for name in FORMS
        ),
    )
