"""Faust as its users run it."""
