"""teiten (定点, "fixed point"): an Internet observation system that starts with one log file."""

__version__ = "0.1.0"
