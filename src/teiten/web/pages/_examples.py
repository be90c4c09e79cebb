"""Questions to begin with, as queries: what the reports of observers ask most often."""

from __future__ import annotations

import datetime as dt
from typing import Final

from teiten.web.asked import Asked

EXAMPLES: Final = {
    "ports": """
SELECT protocol, dst_port, sum(packets) AS packets, count(DISTINCT src_ip) AS hosts
FROM events
WHERE {month} AND protocol IN (6, 17)
GROUP BY ALL ORDER BY packets DESC LIMIT 10""",
    "hours": """
SELECT hour_start(time) AS hour, sum(packets) AS packets
FROM events
WHERE {week} AND dst_port = 445
GROUP BY ALL ORDER BY hour""",
    "countries": """
SELECT time::DATE AS day, country, sum(packets) AS packets
FROM events
WHERE {month} AND dst_port = 23
GROUP BY ALL ORDER BY day""",
    "mirai": """
SELECT time::DATE AS day, count(DISTINCT src_ip) AS hosts
FROM events
WHERE {month} AND mark_mirai
GROUP BY ALL ORDER BY day""",
    "scanners": """
SELECT coalesce(scanner, 'others') AS scanner, sum(packets) AS packets, count(DISTINCT src_ip) AS hosts
FROM events
WHERE {month} AND research_scanner
GROUP BY ALL ORDER BY packets DESC LIMIT 20""",
    "wide": """
SELECT time::DATE AS day, src_ip, any_value(country) AS country, count(DISTINCT dst_port) AS ports
FROM events
WHERE {week}
GROUP BY ALL HAVING ports >= 10 ORDER BY ports DESC LIMIT 50""",
    "sensors": """
SELECT sensor, protocol, dst_port, sum(packets) AS packets
FROM events
WHERE {month}
GROUP BY sensor, protocol, dst_port
QUALIFY row_number() OVER (PARTITION BY sensor ORDER BY sum(packets) DESC) <= 10
ORDER BY sensor, packets DESC""",
    "address": """
SELECT time, src_ip, dst_port, kind, tool, as_name
FROM events
WHERE {week} AND in_range(src_ip, '92.63.197.0', '92.63.197.255')
ORDER BY time DESC LIMIT 100""",
    "new": """
SELECT dst_port, min(time) AS first, sum(packets) AS packets, count(DISTINCT src_ip) AS hosts
FROM events
WHERE protocol = 6
GROUP BY ALL HAVING min(time) >= {week_start}
ORDER BY hosts DESC LIMIT 20""",
    "stories": """
SELECT day, id, state, kind, ports, country, times
FROM stories
WHERE day >= {month_day}
ORDER BY day DESC, place LIMIT 50""",
    "gaps": """
SELECT sensor, day, sum(epoch("end" - start)) / 3600 AS hours
FROM coverage
WHERE day >= {month_day}
GROUP BY ALL ORDER BY day, sensor""",
    "rejected": """
SELECT committed::DATE AS day, source, lines, events, had_already, rejected, ignored
FROM batches
ORDER BY batch DESC LIMIT 20""",
}
"""question's key -> what answers it; days up to the end of the lake's time are filled in"""


def examples(asked: Asked) -> list[tuple[str, str]]:
    """Key and query of each example, of the days before the one that counts as now."""
    day = asked.now.astimezone(asked.settings.zone).date()
    week, month = (f"'{day - dt.timedelta(days=days)}'" for days in (7, 30))
    told = {
        "week": f"time >= {week}::DATE",
        "month": f"time >= {month}::DATE",
        "week_start": f"{week}::DATE",
        "month_day": month,
    }
    return [(key, query.strip().format(**told)) for key, query in EXAMPLES.items()]
