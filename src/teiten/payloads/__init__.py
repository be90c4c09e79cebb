"""What senders say: payloads shown harmless, put together by likeness; what they would fetch, run, log in with (N10).

    shown.text(data), shown.hexadecimal(data), shown.defanged(url)
    drawn.of(messages, service)       downloads, commands, credentials
    known.names(data)                 exploits and probes by rules that are data (data/exploits.toml)
    groups.groups(payloads)           alike payloads under one number

Nothing here runs, fetches or interprets what was sent: it compares and cuts bytes.
"""
