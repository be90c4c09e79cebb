"""`python -m teiten`."""

from teiten.cli import run

if __name__ == "__main__":
    run()
