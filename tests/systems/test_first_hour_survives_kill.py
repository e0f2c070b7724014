"""Real workers match, bind and put right; they are killed in the midst, and others go on."""

import importlib
import json
from contextlib import contextmanager

import psutil
import psycopg2
import pytest

PARTNER = "test.shop.partner"
PAGE = 100
#: Records of each test: several pages of the shop's list, and of the jobs that bind 500 at a time
NUMBER = 1250
#: Of our records, so many are chosen for the export: a page and a bit
CHOSEN = 510


class Shop:
    """A shop with a list of partners, and partners that can be created.

    :ivar ids: of the partners that are there
    :ivar is_broken: whether a partner has no name, so that its import fails
    :ivar before_answer: function of the offset, called before each page of the list is answered
    :ivar created: what was created there
    """

    def __init__(self):
        self.ids = range(1, NUMBER + 1)
        self.is_broken = False
        self.before_answer = lambda offset: None
        self.created = []
        self._answer = importlib.import_module("odoo.addons.connector.testing").Answer

    def answer(self, request):
        if request.method == "POST":
            self.created.append(json.loads(request.body))
            return self._answer({"id": 100_000 + len(self.created)})
        if "offset" not in request.params:
            return self._answer(self.record(int(request.path.rpartition("/")[2])))
        offset = int(request.params["offset"])
        self.before_answer(offset)
        page = [self.record(id_) for id_ in self.ids[offset : offset + PAGE]]
        return self._answer({"items": page, "total": len(self.ids)})

    def record(self, id_):
        return {"id": id_, "name": None if self.is_broken else f"Partner {id_}", "mail": f"{id_}@example.com"}


@pytest.fixture
def shop(database, jobs):
    """Provide a shop with a backend, whose flows are on."""
    testing = importlib.import_module("odoo.addons.connector.testing")
    shop = Shop()

    def create(env):
        backend = env["test.shop.backend"].create({"name": "Shop", "location": server.url, "version": "matched"})
        backend.flow("customers_out").action_switch_on()
        return backend.id

    with testing.local_server(shop.answer) as server:
        shop.backend_id = database.commit(create)
        yield shop


@pytest.fixture
def ours(database, shop):
    """Provide the ids of partners here, each with the e-mail address of one there.

    The first ones have the reference S, as many as are chosen.
    """

    def create(env):
        env["res.partner"].search([("email", "=like", "%@example.com")]).write({"email": False, "ref": False})
        values = [
            {"name": f"Ours {id_}", "email": f"{id_}@example.com", "ref": id_ <= CHOSEN and "S"} for id_ in shop.ids
        ]
        return env["res.partner"].create(values).ids

    return database.commit(create)


def flow(env, shop, code="customers"):
    return env["test.shop.backend"].browse(shop.backend_id).flow(code)


def is_idle(database):
    return not database.value("SELECT count(*) FROM queue_job WHERE state NOT IN ('done', 'cancelled', 'failed')")


def kill_worker(host):
    """Kill the process in which a host of the test runs jobs; the host starts another one."""
    (process,) = psutil.Process(host.pid).children()
    process.kill()


@contextmanager
def held(database, statement, *values):
    """Hold the locks of a statement during the block; yield whether somebody waits for them."""
    connection = psycopg2.connect(dbname=database.name)
    waiting = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid)))"
    try:
        with connection.cursor() as cr:
            cr.execute(statement, values)
            yield lambda: database.value(waiting, connection.info.backend_pid)
    finally:
        connection.close()


def assert_killed_and_all_done(database):
    """Check that the kill has met one running job, and that all jobs are done."""
    assert database.value("SELECT count(*) FROM queue_job_attempt WHERE outcome = 'lost'") == 1
    assert database.rows("SELECT function, result FROM queue_job WHERE state NOT IN ('done', 'cancelled')") == []


def bound(database, shop):
    """Return pairs of the id here and the id there, in the order of ids there."""
    return database.rows(
        "SELECT odoo_id, external_id FROM test_shop_partner WHERE backend_id = %s ORDER BY external_id::int",
        shop.backend_id,
    )


def list_matches(database, shop, wait_until):
    database.commit(lambda env: flow(env, shop).action_match())
    wait_until(lambda: is_idle(database), timeout=30)


def test_a_killed_list_of_matches_is_begun_again_and_lists_each_record_once(database, shop, ours, worker, wait_until):
    killed = []

    def kill(offset):
        if offset == 700 and not killed:
            kill_worker(host)
            killed.append(offset)

    shop.before_answer = kill
    host = worker()
    list_matches(database, shop, wait_until)
    assert killed == [700]
    assert_killed_and_all_done(database)
    rows = database.rows(
        "SELECT external_id::int, found, candidate_ids FROM connector_match WHERE backend_id = %s ORDER BY 1",
        shop.backend_id,
    )
    assert rows == [(id_, "sure", [our_id]) for id_, our_id in zip(shop.ids, ours, strict=True)]


def test_matches_are_bound_once_though_the_worker_is_killed_while_it_binds_a_page(
    database, shop, ours, worker, wait_until
):
    host = worker()
    list_matches(database, shop, wait_until)

    def bind(env):
        rows = env["connector.match"].with_context(active_domain=[("backend_id", "=", shop.backend_id)])
        rows.action_accept_sure()
        rows.action_bind()

    last = "SELECT id FROM connector_match WHERE backend_id = %s AND external_id = '1000' FOR UPDATE"
    # "Accept All Sure" writes that row, so it is pressed before somebody holds it
    database.commit(lambda env: env["queue.worker"].search([]).action_pause())
    database.commit(bind)
    with held(database, last, shop.backend_id) as is_waited_for:
        database.commit(lambda env: env["queue.worker"].search([]).action_resume())
        wait_until(is_waited_for)
        assert len(bound(database, shop)) == 500
        kill_worker(host)
    wait_until(lambda: is_idle(database), timeout=30)
    assert_killed_and_all_done(database)
    assert bound(database, shop) == [(our_id, str(id_)) for id_, our_id in zip(shop.ids, ours, strict=True)]
    assert database.value("SELECT count(*) FROM connector_match WHERE backend_id = %s", shop.backend_id) == 0


def test_what_was_put_right_is_closed_though_the_worker_is_killed_before_it_closes_it(
    database, shop, worker, wait_until
):
    connector = importlib.import_module("odoo.addons.connector")
    importer = importlib.import_module("odoo.addons.connector.unit.importer.record")

    def delay(external_id):
        def delay(env):
            session = connector.ConnectorSession.from_env(env)
            return importer.import_record.delay(session, PARTNER, shop.backend_id, external_id).id

        return database.commit(delay)

    def ask(env):
        connector.add_checkpoint(
            connector.ConnectorSession.from_env(env),
            "test.shop.backend",
            shop.backend_id,
            env["test.shop.backend"].browse(shop.backend_id),
            "Partner 7 cannot be imported.",
            severity="error",
            to_import=(PARTNER, ["7"]),
        )

    def state_of_checkpoint():
        place = f"test.shop.backend,{shop.backend_id}"
        return database.value("SELECT state FROM connector_checkpoint WHERE backend_id = %s", place)

    shop.is_broken = True
    host = worker()
    failed = delay("7")
    wait_until(lambda: is_idle(database), timeout=30)
    database.commit(ask)
    shop.is_broken = False
    with held(database, "SELECT pg_advisory_xact_lock(hashtext('connector put right'))") as is_waited_for:
        later = delay("7")
        wait_until(is_waited_for)
        kill_worker(host)
    wait_until(lambda: is_idle(database), timeout=30)
    assert len(bound(database, shop)) == 1
    states = database.rows("SELECT state FROM queue_job WHERE id IN (%s, %s) ORDER BY id", failed, later)
    assert states == [("failed",), ("done",)]

    # the scheduled action does what nobody has done since
    database.commit(lambda env: env["connector.put.right"]._settle())
    assert database.value("SELECT state FROM queue_job WHERE id = %s", failed) == "done"
    assert state_of_checkpoint() == "reviewed"
    assert database.value("SELECT count(*) FROM connector_put_right") == 0
    assert database.value("SELECT count(*) FROM connector_open_record") == 0


def test_chosen_records_are_bound_and_exported_once_though_the_worker_is_killed_while_it_binds_them(
    database, shop, ours, worker, wait_until
):
    def run(env):
        out = flow(env, shop, "customers_out")
        out.domain = "[('ref', '=', 'S')]"
        env.flush_all()
        out.action_run()

    database.commit(run)
    # the binding of a partner locks its row
    with held(database, "SELECT id FROM res_partner WHERE id = %s FOR UPDATE", ours[505]) as is_waited_for:
        host = worker()
        wait_until(is_waited_for)
        assert len(bound(database, shop)) == 500
        kill_worker(host)
    wait_until(lambda: is_idle(database), timeout=120)
    assert_killed_and_all_done(database)
    assert sorted(our_id for our_id, _external_id in bound(database, shop)) == ours[:CHOSEN]
    assert sorted(record["name"] for record in shop.created) == sorted(f"Ours {id_}" for id_ in shop.ids[:CHOSEN])
