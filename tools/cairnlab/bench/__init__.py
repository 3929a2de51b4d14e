"""Races, loads and crowds: how quick Cairn is beside others, and beside itself with other pool sizes."""
