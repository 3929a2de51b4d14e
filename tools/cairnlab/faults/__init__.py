"""Registries, disks and calls that go wrong, and pulls that are killed."""
