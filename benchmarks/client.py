"""Program: an Odoo that delays the jobs of the benchmarks, on commands from its input.

Commands and answers are lines of JSON. The program stays alive from run to run, as an Odoo that
delays jobs does. It uses the queue that is installed in its database: jobs of each queue are
delayed by ``record.with_delay(...).method(...)``.
"""

import json
import os
import sys
import time
from statistics import median

from lxml import etree

import odoo
from odoo import api, fields
from odoo.modules.registry import Registry
from odoo.service.server import load_server_wide_modules
from odoo.tools import config
from odoo.tools.safe_eval import safe_eval

ADMIN = 2  # the user that Odoo creates first


def delay(registry, method, count, options):
    """Delay a job for each of the records 1 to ``count``, in one transaction.

    :return: dict with the seconds and queries from the first call to the end of the commit
    """
    with registry.cursor() as cr:
        cr.execute(
            "INSERT INTO benchmark_record (id) SELECT * FROM generate_series(1, %s) ON CONFLICT DO NOTHING", [count]
        )
        cr.commit()
        records = list(api.Environment(cr, ADMIN, {})["benchmark.record"].browse(range(1, count + 1)))
        queries = odoo.sql_db.sql_counter
        began = time.perf_counter()
        for record in records:
            getattr(record.with_delay(**options), method)(record.id)
        cr.commit()
        return {"seconds": time.perf_counter() - began, "queries": odoo.sql_db.sql_counter - queries}


def trickle(registry, count, interval):
    """Delay jobs one by one, each in a transaction of its own.

    :param interval: in seconds
    :return: list with the time of each commit, in seconds since 1970
    """
    commits = []
    for number in range(1, count + 1):
        with registry.cursor() as cr:
            # this hook is the first one, before the hooks by which a queue wakes its workers
            cr.postcommit.add(lambda: commits.append(time.time()))
            api.Environment(cr, ADMIN, {})["benchmark.record"].browse(number).with_delay().noop(number)
        time.sleep(interval)
    return commits


def delay_grouped(registry, count):
    """Delay jobs that can run as batches, in one transaction.

    Their function is ``noop_together``, which takes a list of calls. They have one group key.
    """
    from odoo.addons.benchmark_connector.jobs import noop_together
    from odoo.addons.connector.queue.bulk import delay_many
    from odoo.addons.connector.session import ConnectorSession

    with registry.cursor() as cr:
        session = ConnectorSession.from_env(api.Environment(cr, ADMIN, {}))
        delay_many(session, noop_together, "benchmark.record", [(1, number) for number in range(1, count + 1)])


def delay_chain(registry, count):
    """Delay a chain: each job waits for the one before; return the time of the commit.

    The time is in seconds since 1970.
    """
    from odoo.addons.connector.queue.graph import chain

    with registry.cursor() as cr:
        record = api.Environment(cr, ADMIN, {})["benchmark.record"].browse(1)
        chain(*(record.delayable().noop(number) for number in range(1, count + 1))).delay()
    return time.time()


def delay_groups(registry, count):
    """Delay a group of jobs, and a second group that waits for it; return the seconds it took."""
    from odoo.addons.connector.queue.graph import chain, group

    began = time.perf_counter()
    with registry.cursor() as cr:
        record = api.Environment(cr, ADMIN, {})["benchmark.record"].browse(1)
        chain(*(group(*(record.delayable().noop(number) for number in range(count))) for _group in range(2))).delay()
    return time.perf_counter() - began


def screens(registry):
    """Return the server time of each screen of the queue, in milliseconds.

    Each is the best of three times.
    """

    def took(show):
        seconds = []
        for _time in range(3):
            with registry.cursor() as cr:
                env = api.Environment(cr, ADMIN, {})
                began = time.perf_counter()
                show(env)
                seconds.append(time.perf_counter() - began)
        return 1000 * min(seconds)

    def job_list(domain):
        columns = {name: {} for name in ("name", "model_name", "state", "message", "date_created", "duration", "retry")}
        return lambda env: env["queue.job"].web_search_read(domain, columns, limit=80, count_limit=10_001)

    def panel(env):
        for field, options in (("state", {"enable_counters": True}), ("channel_id", {"expand": True})):
            env["queue.job"].search_panel_select_range(field, search_domain=[], limit=500, **options)

    def channels(env):
        columns = {
            name: {} for name in ("complete_name", "pending_count", "running_count", "failed_count", "hold_reason")
        }
        env["queue.job.channel"].web_search_read([], columns, limit=80)

    def failures(env):
        columns = {name: {} for name in ("name", "function", "failed_count", "count", "date_last")}
        env["queue.job.failure"].web_search_read([("job_ids.state", "=", "failed")], columns, limit=80)

    with registry.cursor() as cr:
        arch = api.Environment(cr, ADMIN, {})["queue.job"].get_view(view_type="search")["arch"]
    filters = [
        safe_eval(node.get("domain"), {"uid": ADMIN})
        for node in etree.fromstring(arch).iter("filter")
        if node.get("domain")
    ]
    with registry.cursor() as cr:
        api.Environment(cr, ADMIN, {})["queue.job.failure"]._group_new()
    return {
        "panel": took(panel),
        "jobs": max(took(job_list(domain)) for domain in [[], *filters]),
        "record": took(job_list([("name", "ilike", "4711")])),
        "channels": took(channels),
        "failures": took(failures),
    }


def of_backend(registry, method, args):
    """Call a method of the backend of a benchmark's connector; return what it returned."""
    with registry.cursor() as cr:
        return getattr(_backend(cr), method)(*args)


def change_records(registry):
    """Change all records of the external system now."""
    with registry.cursor() as cr:
        backend = _backend(cr)
        backend.write({"generation": backend.generation + 1, "changed_at": fields.Datetime.now()})


def _backend(cr):
    backends = api.Environment(cr, ADMIN, {})["benchmark.backend"]
    return backends.search([], limit=1) or backends.create({"name": "Shop"})


def compare_writes(registry, other_database, pairs=2000, writes=10):
    """Compare the time of a write to a record in two databases.

    The databases take turns after a few writes each. So the load of other programs falls on both.

    :return: dict with the ``ratio`` of the seconds, the median of all pairs; the ends of its 95 %
        confidence interval, ``least`` and ``greatest``; and the microseconds of a write,
        ``duration``
    """
    with registry.cursor() as cr, Registry(other_database).cursor() as other_cr:
        banks = [api.Environment(each, ADMIN, {})["res.bank"].create({"name": "Bank"}) for each in (cr, other_cr)]

        def seconds(bank):
            began = time.perf_counter()
            for number in range(writes):
                bank.write({"bic": str(number)})
                bank.flush_recordset()
            elapsed = time.perf_counter() - began
            bank.env.cr.commit()  # so that PostgreSQL can clear the old versions of the row away
            return elapsed

        durations, ratios = [], []
        for pair in range(pairs):
            order = 1 if pair % 2 else -1
            mine, other = [seconds(bank) for bank in banks[::order]][::order]
            durations.append(mine)
            ratios.append(mine / other)
        ratios.sort()
        # by the binomial distribution: the ends of the interval are so many elements of the sorted
        # sample below and above its median
        off = round(1.96 * pairs**0.5 / 2)
        return {
            "ratio": median(ratios),
            "least": ratios[pairs // 2 - off],
            "greatest": ratios[pairs // 2 + off],
            "duration": 1e6 * median(durations) / writes,
        }


COMMANDS = {
    "of_backend": of_backend,
    "screens": screens,
    "change_records": change_records,
    "compare_writes": compare_writes,
    "delay": delay,
    "delay_grouped": delay_grouped,
    "delay_chain": delay_chain,
    "delay_groups": delay_groups,
    "trickle": trickle,
}


def main():
    """Serve commands until the end of the input."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what Odoo prints is no answer
    config.parse_config(sys.argv[1:], setup_logging=True)
    load_server_wide_modules()
    registry = Registry(config["db_name"][0])
    for line in sys.stdin:
        command, *arguments = json.loads(line)
        print(
            json.dumps(COMMANDS[command](registry, *arguments)),
            file=answers,
        )


if __name__ == "__main__":
    main()
