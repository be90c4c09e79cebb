"""The survey: asks sources what they are, where a written permission names them, slowly, saying who asks.

permission    who permits what, until when; the gate through which every question goes
talking       one question: connect, ask, read a little, end
certificate   names in a TLS certificate
running       which sources are asked, in what order and at what pace; what was asked is written down first
"""
