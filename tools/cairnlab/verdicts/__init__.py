"""Pulls whose limit is known, and what they say of it."""
