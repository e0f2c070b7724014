"""Counts of the benchmarks on the line between a worker and PostgreSQL."""

import contextlib
import os

import psycopg2

from benchmarks.counting import CountingProxy


def test_the_line_counts_messages_and_the_statements_in_each(tmp_path):
    proxy = CountingProxy(tmp_path, os.environ["PGHOST"])
    with contextlib.closing(psycopg2.connect(host=str(tmp_path), dbname="postgres")) as connection:
        connection.autocommit = True
        cr = connection.cursor()
        proxy.clear()
        for number in range(10):
            cr.execute("SELECT %s; SELECT 'x'", [number])
        cr.execute("SELECT 'now and then'")
    assert proxy.per_job(10) == (1, 2)
