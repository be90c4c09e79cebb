"""Several lakes asked together: what a member tells, signed; what is accepted, once; what they say together, whoever lies.

    keys      a member's key, and the list of members whose word counts
    form      a contribution as a file: head, signature, rows; read as something that an enemy may have written
    counting  a lake's day as counts
    telling   which of them may be told: thresholds, noise, rounding
    sketch    hosts that can be united without being listed, for those who choose it
    exporting what is new, as the next contribution of a chain
    store     accepted contributions, in a folder that needs no index
    merging   rates an address and day, robust against members that are off; who is off, and by how much
    sections  the report of a period, members side by side

docs/reference/federation.md has the form, docs/decisions/0086 why it is so.
"""
