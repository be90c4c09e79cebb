"""The responding sensor: completes the connection, keeps what is said, says just enough to hear the next word (N10).

    services.load()            what is spoken at which port: a file each, in data/services/
    Conversation(...)          one connection, without a socket: bytes in, answers and records out
    Listening(...)             the sockets: bounded in number, memory, patience

It lets nobody in, runs nothing, opens no connection, and no answer is larger than what it answers (promise 18). Only the
standard library is imported: it runs on small machines, beside `teiten sensor`.
"""
