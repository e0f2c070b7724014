"""The other Odoo of the tests: a process and a database of its own, spoken to over HTTP."""

import atexit
import binascii
import functools
import os
import shlex
import socket
import subprocess
import sys
import time

import requests

from odoo import sql_db
from odoo.tools import config

from odoo.addons.base.models.res_users import API_KEY_SIZE, INDEX_SIZE, KEY_CRYPT_CONTEXT

#: Holds a command that is given ``shop`` or ``orders`` and prints the name of a database to copy;
#: without, one is made, which takes longer
TEMPLATES = "CONNECTOR_TEMPLATES"

# The server is not a child of the tests' process, since Odoo ends the children of a test class with
# it. It runs as long as the tests' process keeps its end of the pipe: also a killed one leaves
# neither a server nor a database behind.
_RUN_UNTIL_END_OF_INPUT = """
    exec 3<&0
    {
        python=$1 database=$2; shift 2
        "$python" -m odoo --database "$database" "$@" >&2 &
        read -r _ <&3
        kill $!
        wait $!
        "$python" -m odoo db drop "$database" >&2
        echo gone
    } &
"""


class RemoteOdoo:
    """An Odoo that is reached over HTTP.

    :param location: its address
    :param database: its database, on the same PostgreSQL as the tests' own

    ``location``, ``database``, ``login`` and ``api_key`` are what a backend needs to know.
    """

    login = "admin"
    password = "admin"

    def __init__(self, location, database):
        self.location = location
        self.database = database
        self.api_key = self.create_api_key(self.login)

    def call(self, model_name, method, ids=None, **kwargs):
        """Do something there as its administrator, not by way of what is tested."""
        response = requests.post(
            f"{self.location}/json/2/{model_name}/{method}",
            json={**kwargs, **({} if ids is None else {"ids": ids})},
            headers={"Authorization": f"Bearer {self.api_key}", "X-Odoo-Database": self.database},
            timeout=60,
        )
        response.raise_for_status()
        return response.json()

    def read(self, model_name, record_id, fields):
        return self.call(model_name, "read", [record_id], fields=fields, load=None)[0]

    def create(self, model_name, **values):
        """Create a record there and return its id."""
        return self.call(model_name, "create", vals_list=[values])[0]

    def create_api_key(self, login):
        """Return a new API key of one of its users."""
        key = binascii.hexlify(os.urandom(API_KEY_SIZE)).decode()
        with sql_db.db_connect(self.database).cursor() as cr:
            cr.execute(
                "INSERT INTO res_users_apikeys (name, user_id, key, index) SELECT 'tests', id, %s, %s FROM res_users WHERE login = %s",
                [KEY_CRYPT_CONTEXT.hash(key), key[:INDEX_SIZE], login],
            )
        sql_db.close_db(self.database)
        return key


class OtherOdoo(RemoteOdoo):
    """An Odoo in a process of its own.

    :param name: of the database, behind the name of the tests' own
    :param options: by which ``odoo`` makes the database where there is none to copy
    """

    def __init__(self, name, *options):
        database = f"{config['db_name'][0]}_{name}"
        self.log = os.path.join(config["data_dir"], f"{database}.log")
        self._port = _free_port()
        self._create_database(database, _template(name), options)
        super().__init__(f"http://127.0.0.1:{self._port}", database)
        self._start()
        self._wait()

    def _create_database(self, database, template, options):
        _odoo("db", "drop", database, check=False)
        if template:
            _odoo("db", "duplicate", template, database)
        else:
            _odoo("--database", database, *options, "--stop-after-init", "--no-http")

    def _start(self):
        options = ["--http-interface=127.0.0.1", f"--http-port={self._port}", "--max-cron-threads=0", "--workers=0"]
        with open(self.log, "w") as log:
            shell = subprocess.Popen(
                ["sh", "-c", _RUN_UNTIL_END_OF_INPUT, "sh", sys.executable, self.database, *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=_environment(),
                start_new_session=True,
            )
        shell.wait()
        atexit.register(_stop, shell)

    def _wait(self):
        deadline = time.monotonic() + 60
        while True:
            try:
                requests.get(f"{self.location}/web/health", timeout=10).raise_for_status()
                return
            except requests.RequestException:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"The other Odoo does not answer at {self.location}: read {self.log}") from None
                time.sleep(0.1)


def _template(name):
    """Return the name of a database to copy, None where nobody offers one."""
    if not (command := os.environ.get(TEMPLATES)):
        return None
    return subprocess.run([*shlex.split(command), name], check=True, stdout=subprocess.PIPE, text=True).stdout.split()[
        -1
    ]


@functools.cache
def other_odoo():
    """Return an Odoo with products, contacts and demo data.

    It is started once per process and stopped at its end.
    """
    return OtherOdoo("shop", "--init=product,contacts", "--with-demo")


@functools.cache
def other_odoo_with_orders():
    """Return an Odoo with sale orders and stock, and without demo data, likewise."""
    return OtherOdoo("orders", "--init=sale,stock", "--without-demo=all")


def _stop(shell):
    shell.stdin.close()
    shell.stdout.read()  # until the server and its database are gone


def _odoo(*arguments, check=True):
    done = subprocess.run(
        [sys.executable, "-m", "odoo", *arguments], env=_environment(), capture_output=True, text=True
    )
    if check and done.returncode:
        raise RuntimeError(f"odoo {' '.join(arguments)} ended with status {done.returncode}:\n{done.stderr[-3000:]}")


def _environment():
    return {**os.environ, "ODOO_RC": config["config"] or ""}


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
