"""bytewax."""
