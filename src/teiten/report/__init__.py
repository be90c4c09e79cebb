"""Reports: a period of a lake, told in sections, as a folder that can be published as it is.

`edition` makes one; `answers` asks, `sections/` tell, `figures/` draw, `page` and `markdown` set, `bundle` writes.
"""
