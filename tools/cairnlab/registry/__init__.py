"""Servers on loopback: real registries, one that goes wrong, caps and relays in front of them."""
