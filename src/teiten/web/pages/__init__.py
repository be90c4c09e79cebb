"""Pages: a module each, found by being there.

A module has PATH (with {parts}), `async build(asked, pool) -> View`, and may have NAV = (order, key of its name) and TEMPLATE.
"""
