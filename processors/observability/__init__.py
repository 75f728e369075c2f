"""What a process tells of itself: ``logs`` by the line, ``metrics`` by the number."""
