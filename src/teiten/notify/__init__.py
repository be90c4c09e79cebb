"""Operators are told of infected hosts in their networks: which hosts, whom, in which words and forms, and who was told when.

`prepare` of `drafts` makes a folder of letters, `sending` hands exactly those bytes to a mail server, `kept` remembers.
"""
