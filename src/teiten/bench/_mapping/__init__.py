"""Finding sensors by what is published: a world of sensors, what is told of it by given rules, a prober who reads that."""
