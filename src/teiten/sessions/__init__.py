"""A source's events joined into sessions, compared with earlier ones, held against the thresholds of IDSs."""
