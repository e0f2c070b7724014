"""The demo, `make run`: one Odoo, the ERP, imports data of another one, the shop, by jobs.

The data are partners and products. The demo begins with new databases each time, and serves both
until Ctrl-C. `make run ONCE=1` stops after the summary, and its exit status says whether the ERP
has what the shop has.
"""

import os
import secrets
import sys
import time
import xmlrpc.client
from contextlib import ExitStack
from dataclasses import dataclass

from . import databases, postgres, servers
from .paths import ODOO
from .programs import run
from .progress import Failure, command, step

LOGIN = PASSWORD = "admin"
PROCESSES = 2  # of the worker
PATIENCE = 120  # seconds without a job that ends, after which the demo gives up


def main():
    """Set up the demo, run it, show the result; return the exit status."""
    demo = Demo("shop", "erp")
    with postgres.running(), ExitStack() as processes:
        demo.create_databases()
        api_key = demo.create_api_key()
        with step("Server"):
            server = processes.enter_context(demo.server())
        worker = processes.enter_context(demo.worker("worker"))
        with step("Backend, its connection tested"):
            backend = demo.create_backend(server, api_key)
        start = time.monotonic()
        backend.import_all()
        jobs = demo.watch_jobs(server, worker)
        agrees = demo.summarize(jobs, time.monotonic() - start)
        if not os.environ.get("ONCE"):
            demo.serve(server, worker)
        return 0 if agrees else 1


class Demo:
    """The two databases of the demo, and the steps that are done with them.

    :param shop: name of the database of the external system
    :param erp: name of the database that the connector is installed in
    """

    # Imported records: the query for their ids in the shop, and the query for the ids that are
    # bound in the ERP
    IMPORTED = {
        "Partners": ("SELECT id FROM res_partner WHERE active", "SELECT external_id::int FROM odoo_res_partner"),
        "Product categories": ("SELECT id FROM product_category", "SELECT external_id::int FROM odoo_product_category"),
        "Products": (
            "SELECT id FROM product_product WHERE active",
            "SELECT external_id::int FROM odoo_product_product",
        ),
    }

    def __init__(self, shop, erp):
        self.shop = shop
        self.erp = erp

    @staticmethod
    def templates():
        """Create the templates of the shop and of the ERP, unless they exist; return their names.

        That of the shop has Odoo's demo data, that of the ERP has the connector.
        """
        erp = databases.installed(["connector_odoo"], databases.template(databases.SHOP))
        return databases.template(databases.SHOP, demo=True), erp

    def create_databases(self):
        """Create both databases anew."""
        shop, erp = self.templates()
        with step(f"Databases {self.shop} and {self.erp}"):
            databases.create(self.shop, shop)
            databases.create_original(self.erp, erp)

    def create_api_key(self):
        """Give the shop's administrator an API key, and return it."""
        key = secrets.token_hex(20)
        script = f"""
from odoo.addons.base.models.res_users import INDEX_SIZE, KEY_CRYPT_CONTEXT
env.cr.execute(
    "INSERT INTO res_users_apikeys (name, user_id, key, index) VALUES ('erp', %s, %s, %s)",
    [env.ref("base.user_admin").id, KEY_CRYPT_CONTEXT.hash({key!r}), {key!r}[:INDEX_SIZE]],
)
env.cr.commit()
"""
        with step(f"API key of {self.shop}"):
            run([ODOO, "shell", "--database", self.shop, "--no-http"], "read the log.", log="odoo.log", input=script)
        return key

    def server(self):
        """Start an Odoo that serves both databases; a `with` block begins when it answers."""
        return servers.Server("server", [self.shop, self.erp], "--max-cron-threads=1")

    def worker(self, name):
        """Start a worker of the ERP."""
        return servers.Process(name, "jobs_worker", "--database", self.erp, "--processes", PROCESSES)

    def create_backend(self, server, api_key):
        """Create the backend in the ERP, test its connection; return it as a :class:`Backend`."""
        values = {"name": "Shop", "location": server.url, "database": self.shop, "login": LOGIN, "api_key": api_key}
        return Backend(server, self.erp, values)

    def watch_jobs(self, *processes):
        """Show the progress of the jobs until none is left; return their numbers.

        :param processes: they must go on meanwhile
        :raise Failure: one of them ended, or no job ended for a long time
        """
        line = ProgressLine()
        start = last_change = time.monotonic()
        ended = 0
        while (jobs := self.count_jobs()).waiting:
            for process in processes:
                process.check()
            now = time.monotonic()
            if jobs.ended != ended:
                ended, last_change = jobs.ended, now
            if now - last_change > PATIENCE:
                messages = self.job_messages("state NOT IN ('done', 'cancelled', 'failed')")
                raise Failure(f"no job has ended for {PATIENCE} s.", f"read {processes[-1].log}.", messages)
            line.show(jobs, now - start)
            time.sleep(0.2)
        line.show(jobs, time.monotonic() - start, last=True)
        return jobs

    def count_jobs(self):
        """Return the numbers of jobs, as :class:`Jobs`."""
        with databases.cursor(self.erp) as cr:
            cr.execute(
                """
                SELECT count(*) FILTER (WHERE state IN ('done', 'cancelled')),
                       count(*) FILTER (WHERE state = 'failed'),
                       count(*) FILTER (WHERE state NOT IN ('done', 'cancelled', 'failed'))
                FROM queue_job
                """
            )
            return Jobs(*cr.fetchone())

    def job_messages(self, condition):
        """Return the messages of the first jobs that meet a condition, a line each."""
        with databases.cursor(self.erp) as cr:
            cr.execute(
                f"""
                SELECT concat_ws(' ', 'job', id, '(' || state || ')', description || ':', message)
                FROM queue_job WHERE {condition} ORDER BY id LIMIT 5
                """
            )
            return [message for (message,) in cr.fetchall()]

    def summarize(self, jobs, seconds):
        """Print what was imported; return whether it is what the shop has."""
        print(f"\n  {'':<20}{self.shop:>8}{self.erp:>8}")
        agrees = not jobs.failed
        for name, there, here in self.ids():
            print(f"  {name:<20}{len(there):>8}{len(here):>8}{'' if there == here else '   they differ'}")
            agrees = agrees and there == here
        print(f"  {jobs.done} jobs done and {jobs.failed} failed in {seconds:.1f} s, {jobs.ended / seconds:.1f}/s")
        for message in self.job_messages("state = 'failed'"):
            print(f"  - {message}")
        if not agrees:
            print(f"\nFAILED: {self.erp} does not have exactly what {self.shop} has.")
        return agrees

    def ids(self):
        """Yield the name, the ids in the shop and the ids in the ERP of all that is imported.

        The ids in the ERP are those that are bound. Both are sorted lists, duplicates kept.
        """
        for name, (in_shop, in_erp) in self.IMPORTED.items():
            yield name, _sorted_ids(self.shop, in_shop), _sorted_ids(self.erp, in_erp)

    def serve(self, server, worker):
        """Print the addresses of both databases, and go on until Ctrl-C."""
        # two names of one address, so that the browser keeps the two sessions apart
        shop_url = server.url.replace("127.0.0.1", "localhost")
        print(
            f"""
  ERP:   {server.url}/odoo/odoo-backends?db={self.erp}
  Shop:  {shop_url}/odoo/action-product.product_template_action?db={self.shop}
  Login and password are {LOGIN} / {PASSWORD}. Change a product in the shop, then run the flow "Products" of the backend in the ERP.
  Ctrl-C stops everything.""",
            flush=True,
        )
        while True:
            server.check()
            worker.check()
            time.sleep(1)


class Backend:
    """A backend in the ERP, used as a person does.

    It is used through the web server, as the administrator.

    :param values: of the record to create
    """

    def __init__(self, server, database, values):
        common = xmlrpc.client.ServerProxy(f"{server.url}/xmlrpc/2/common")
        self._database = database
        self._models = xmlrpc.client.ServerProxy(f"{server.url}/xmlrpc/2/object")
        self._user_id = common.authenticate(database, LOGIN, PASSWORD, {})
        self._id = self._call("create", values)
        self._test_connection()

    def import_all(self):
        """Run the import flows."""
        imports = [("backend_model", "=", "odoo.backend"), ("backend_id", "=", self._id), ("direction", "=", "import")]
        self._call("action_run", self._call("search", imports, model="connector.flow"), model="connector.flow")

    def _test_connection(self):
        action = self._call("action_test_connection", [self._id])
        asked = [["test_id", "=", action["res_id"]], ["outcome", "=", "wrong"]]
        for wrong in self._call("search_read", asked, ["subject", "text"], model="connector.connection.test.line"):
            raise Failure(f"{wrong['subject']}: {wrong['text']}")

    def _call(self, method, *args, model="odoo.backend"):
        return self._models.execute_kw(self._database, self._user_id, PASSWORD, model, method, args)


@dataclass
class Jobs:
    """Numbers of jobs, by their outcome."""

    done: int
    failed: int
    waiting: int

    @property
    def ended(self):
        return self.done + self.failed

    @property
    def total(self):
        return self.ended + self.waiting


class ProgressLine:
    """A line that is written over on a terminal; elsewhere a new line every few seconds."""

    every = 5  # seconds

    def __init__(self):
        self.is_terminal = sys.stdout.isatty()
        self.shown = 0

    def show(self, jobs, seconds, last=False):
        if not (self.is_terminal or last or seconds - self.shown >= self.every):
            return
        self.shown = seconds
        rate = jobs.ended / seconds if seconds else 0
        text = f"  Jobs: {jobs.ended}/{jobs.total} ended, {rate:.1f}/s, {jobs.failed} failed"
        print(
            f"\r{text:<60}" if self.is_terminal else text, end="\n" if last or not self.is_terminal else "", flush=True
        )


def _sorted_ids(database, query):
    with databases.cursor(database) as cr:
        cr.execute(query)
        return sorted(id_ for (id_,) in cr.fetchall())


if __name__ == "__main__":
    command(main)
