"""Operators on dates."""
