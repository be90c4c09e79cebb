"""What reaches a dark prefix, as packets: the actors, their plan, and captures with the truth of every packet."""
