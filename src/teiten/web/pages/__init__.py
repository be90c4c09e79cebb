"""Pages: a module each, found by being there.

A module has PATH (with {parts}), `async build(asked, pool) -> View`, SEES: the role that it is for ("viewer", "analyst",
"administrator"; one that says nothing is for administrators), and may have NAV = (order, key of its name) and TEMPLATE.
TOLD = "sql" puts what its word `q` asks into the audit log. Where it takes forms: `async act(asked, pool, form)`, and NEEDS,
the role for that.
One that needs to know more of a request than its address has `build_for(request, asked, pool)` instead. STILL = True: it does
not follow the lake by itself.
"""
