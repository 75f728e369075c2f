"""What the leads should be, and whether they are."""
