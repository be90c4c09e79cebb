"""Pages: a module each, found by being there.

A module has PATH (with {parts}), `async build(asked, pool) -> View`, and may have NAV = (order, key of its name) and TEMPLATE.
One that needs to know more of a request than its address has `build_for(request, asked, pool)` instead. STILL = True: it does
not follow the lake by itself.
"""
