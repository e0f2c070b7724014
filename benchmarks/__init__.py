"""Benchmarks: this suite and its peers, measured in one run on one PostgreSQL server.

The server has its default durability.

``make bench`` measures all; ``make bench ARGS="--only drain_noop --runs 1 --jobs 500"`` measures
one row in seconds.

``peers/`` has a file for each queue: how to install it, start it and give it jobs. ``measures/``
has a file for each measure. ``__main__`` lets the peers take turns, ``report`` writes the table.
"""
