"""A market that lives: default listings, a computed past, the live record, and synthetic traders. Pure."""
