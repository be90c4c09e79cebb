"""What leaves the house: masks for log lines, and the last look for addresses that must not be named."""
