"""What `teiten bench federate` is made of: households as they were, members who lie, stores as they grow."""
