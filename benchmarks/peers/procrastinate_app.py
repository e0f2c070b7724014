"""Jobs of the benchmarks for Procrastinate, run in Procrastinate's own environment."""

from procrastinate import App, PsycopgConnector

from benchmarks import journal

app = App(connector=PsycopgConnector(conninfo="dbname=bench_procrastinate"))


@app.task
async def noop(number):
    """Do nothing in the database."""
    journal.note(number)
