"""Chaos test of the queue, which runs under attack: `make chaos`."""
