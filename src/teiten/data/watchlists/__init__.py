"""The package's own watchlists (facts with their pages), and the short names of scanning organisations."""
