"""Who may see what: users and roles, sessions, tokens for programs, what a proxy says of a user, the audit log.

    passwords.py   what a password must be; Argon2id
    store.py       users and tokens in one file beside the lake: whole or as before, 0600, damaged is refused
    sessions.py    logins as they stand, in memory; only hashes of their ids
    limits.py      how often a login may fail
    proxies.py     what comes from a proxy in front, and is believed from it alone
    audit.py       who did what: lines of JSON, a bounded number of bytes
    door.py        before every request: who is it, and may they come in at all?
    routes.py      the pages of the door itself: log in, log out, one's own account, the administrator's view

`teiten users` changes the file; a server that runs sees it with its next request.
"""
