"""The API: a module a family of addresses under /api/v1, found by being there.

A module has ADDRESSES: each says its path, what answers, its columns with their types, the words of its query, and what a token
needs for it ("read": counts; "events": events and single sources; "sql"). See `_shape.py`; `_door.py` is in front of all.
"""
