"""What cannot wait for the report: stories of the running day told at once, each once, and sensors that fell silent.

now.py        how things stand: stories of the running day, silent sensors
notices.py    what of it is to be told, beside what was told before
words.py      how that is said
box.py        what was told and what waits, on the disk; sending it through channels/
feeds.py      the same stories as an Atom feed, JSON, and a calendar
"""
