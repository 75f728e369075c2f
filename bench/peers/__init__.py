"""Each contestant as a program of its own; the rooms are named after them."""
