"""The live station: what comes in is written down before anything is made of it, and nothing is lost silently.

    inputs/     a module a kind of input: bytes as they come, with back pressure and counters
    feeds.py    what came in, until it is on the disk: bounded, committed in groups
    spool.py    the evidence: segments of bytes as they came, with a chain of hashes, counters and heartbeats beside them

`teiten sensor` runs this part alone on small machines: what it imports is the standard library (tests/station holds it).
"""
