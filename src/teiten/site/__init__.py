"""The public site: what the rules [publish] let out of the lake, as a folder of pages that needs no server."""
