"""What a source is taken for: watchlists and rules, from which the table of verdicts is made."""
