"""What became of events: revisions of leads, and what led to nothing, and why."""
