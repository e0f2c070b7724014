"""Peers: the queues that are measured, one file each."""
