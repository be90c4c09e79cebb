"""The API: a module a family of addresses under /api/v1, found by being there.

A module has ROUTES: path -> `async handler(request, asked, pool) -> Response`, DESCRIBED: what OpenAPI says of each, and
SCOPES: path -> what a token needs for it ("read": counts; "events": events and single sources; "sql"); without one, nobody may.
"""
