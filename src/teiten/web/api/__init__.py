"""The API: a module a family of addresses under /api/v1, found by being there.

A module has ROUTES: path -> `async handler(request, asked, pool) -> Response`, and DESCRIBED: what OpenAPI says of each.
"""
