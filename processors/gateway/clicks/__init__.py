"""Clicks: short links that are followed, and pages and apps that tell of a visitor.

``visits`` says who comes, ``destination`` where he goes, ``recording`` writes the click down, once;
``redirect`` answers visitors, ``routes`` pages and apps.
"""
