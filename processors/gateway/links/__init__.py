"""Short links: made, changed, listed, counted."""
