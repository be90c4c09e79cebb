"""What sections ask beyond the questions that all reports share: functions of the answers, each asked once.

A module belongs to a family of sections (the quarter's scanners, say). Its functions take `Answers` and give plain data without
words of a language; a section has them by `answers.once(question)`, so that two languages, or two sections, ask once.
"""
