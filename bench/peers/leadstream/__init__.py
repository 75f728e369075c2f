"""Leadstream itself."""
