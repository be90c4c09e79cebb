"""The live station: what comes in is written down before anything is made of it, and nothing is lost silently.

    inputs/      a module a kind of input: bytes as they come, with back pressure and counters
    feeds.py     what came in, until it is on the disk: bounded, committed in groups
    spool.py     the evidence: segments of bytes as they came, with a chain of hashes, counters and heartbeats beside them
                 (streams.py writes, segments.py reads, records.py is a line of the chain, keeping.py holds to the budget)
    live.py      spool, feeds and inputs at work; watching.py runs them as a service, with the maker and tasks as children
    making.py    the lake from the spool, each line once (its own process: the one part here that is not light)
    shipping.py  the sensor's side: trail.py reads a stream on, renewing.py sees to histories that forked
    collecting.py  the collector's: serving.py hears strangers, credentials.py knows sensors, replica.py keeps their streams

`teiten sensor` runs this on small machines: what it imports is the standard library (tests/cli/test_sensor.py holds it).
"""
