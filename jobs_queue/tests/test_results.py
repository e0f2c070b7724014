"""Results of jobs that cannot be stored: these jobs are done all the same."""

from collections import OrderedDict

from markupsafe import Markup

from odoo.tests import tagged
from odoo.tools import lazy
from odoo.tools.translate import LazyTranslate

from odoo.addons.jobs_queue.exception import NothingToDoJob
from odoo.addons.jobs_queue.graph import chain, group
from odoo.addons.jobs_queue.jobs import BY_CODE, job
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.testing import JobsCase

_lt = LazyTranslate(__name__, default_lang="en_US")
_returns = {}


class Silent:
    """An object that has no text."""

    def __repr__(self):
        raise ValueError("no text")

    __str__ = __repr__


class OddText(str):
    def __str__(self):
        raise ValueError("no text")

    def replace(self, *args):
        return None


class Exits:
    def __repr__(self):
        raise SystemExit(3)


def _itself():
    values = []
    values.append(values)
    return values


def _deep(depth):
    value = []
    for _n in range(depth):
        value = [value]
    return value


# Results that cannot be stored, by name: functions that make them of the environment
UNSTORABLE = {
    "an object": lambda env: object(),
    "a set": lambda env: {1, 2},
    "a new record": lambda env: env["res.partner"].new({"name": "x"}),
    "a generator": lambda env: (n for n in range(3)),
    "an object without text": lambda env: Silent(),
    "an object whose text exits": lambda env: Exits(),
    "a list that holds itself": lambda env: _itself(),
    "a thousand lists": lambda env: _deep(1000),
    "a function": lambda env: env["res.partner"].create,
    "one deep within": lambda env: {"a": [1, {2: ({"b": {3}},)}]},
    "a text that cannot be made": lambda env: lazy(lambda: 1 / 0),
    "a key that cannot be one again": lambda env: {env.context: 1},
}

# Results that can be stored, each with its text where it is stored as text
STORABLE = {
    "the context": (lambda env: {"context": env.context}, None),
    "Markup": (lambda env: Markup("<p>x</p>"), "<p>x</p>"),
    "a lazy text": (lambda env: _lt("Nothing to export."), "Nothing to export."),
    "a kind of text": (lambda env: OddText("odd"), "odd"),
    "a number that is none": (lambda env: float("nan"), None),
    "mixed keys": (lambda env: {1: "a", "b": 2, None: 3, (1, "x"): 4}, None),
    "an ordered dict": (lambda env: OrderedDict(a=1), None),
    "half a character": (lambda env: "cut \ud83d \0", "cut \\ud83d \N{REPLACEMENT CHARACTER}"),
    "a long number": (lambda env: 10**5000, None),
}


@job
def create_and_return(session, model_name, name):
    """Create a partner and return something"""
    session.env["res.partner"].create({"name": f"created {name}"})
    return _returns[name](session.env)


@job(group_size=10)
def create_and_return_all(session, model_name, calls):
    """Create partners and return something for each"""
    session.env["res.partner"].create([{"name": f"created {name}"} for (name,) in calls])
    return [_returns[name](session.env) for (name,) in calls]


@job
def nothing_to_say(session, model_name):
    session.env["res.partner"].create({"name": "created nothing"})
    raise NothingToDoJob(Silent())


@job
def read_parents(session, model_name):
    return session.job.parent_results


@job
def read_nobody(session, model_name):
    return "ran"


@tagged("post_install", "-at_install")
class TestResults(JobsCase):
    def setUp(self):
        super().setUp()
        self.session = ConnectorSession.from_env(self.env)
        _returns.clear()
        _returns.update(UNSTORABLE)
        _returns.update({name: make for name, (make, _text) in STORABLE.items()})

    def created(self, name):
        return self.env["res.partner"].search_count([("name", "=", f"created {name}")])

    def test_f11_a_job_whose_result_cannot_be_stored_is_done_and_its_log_says_so(self):
        for name in UNSTORABLE:
            with self.subTest(name=name):
                record = create_and_return.delay(self.session, "res.partner", name).record(self.env)
                self.run_jobs()
                self.assertEqual((record.state, self.created(name)), ("done", 1))
                self.assertTrue(record.message)
                self.assertIn("What the job returned cannot be stored, only its text is kept", record.attempt_ids.log)

    def test_f11_the_text_of_such_a_result_is_the_message(self):
        record = create_and_return.delay(self.session, "res.partner", "a set").record(self.env)
        self.run_jobs()
        self.assertEqual(record.message, "{1, 2}")
        self.assertIn("is of type builtins.set", record.attempt_ids.log)

    def test_f11_what_is_a_kind_of_a_type_that_can_be_stored_is_stored(self):
        for name, (_make, text) in STORABLE.items():
            with self.subTest(name=name):
                record = create_and_return.delay(self.session, "res.partner", name).record(self.env)
                self.run_jobs()
                self.assertEqual((record.state, record.message, record.attempt_ids.log), ("done", text or False, False))

    def test_f11_a_lazy_text_is_told_in_the_language_of_the_job(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        lang = []
        self.patch(
            type(_returns["a lazy text"](self.env)), "_translate", lambda self, code="": lang.append(code) or "Rien"
        )
        session = ConnectorSession.from_env(self.env(context={"lang": "fr_FR"}))
        record = create_and_return.delay(session, "res.partner", "a lazy text").record(self.env)
        self.run_jobs()
        self.assertEqual((record.message, record.result, set(lang)), ("Rien", '"Rien"', {"fr_FR"}))

    def test_f11_one_bad_result_of_a_batch_fails_no_other_job(self):
        names = ["Markup", *UNSTORABLE]
        records = self.env["queue.job"].concat(
            *(
                create_and_return_all.delay(self.session, "res.partner", name, group_key="g").record(self.env)
                for name in names
            )
        )
        self.run_jobs()
        self.assertDone(records)
        self.assertEqual([self.created(name) for name in names], [1] * len(names))
        self.assertFalse(records[0].attempt_ids.log)
        for record in records[1:]:
            self.assertIn("cannot be stored", record.attempt_ids.log)

    def test_f11_having_nothing_to_say_is_no_error_either(self):
        record = nothing_to_say.delay(self.session, "res.partner").record(self.env)
        self.run_jobs()
        self.assertEqual((record.state, self.created("nothing")), ("done", 1))

    def test_f11_who_asks_for_such_a_result_is_told_whose_it_is(self):
        parent = create_and_return.delayable(self.session, "res.partner", "a set")
        child = read_parents.delayable(self.session, "res.partner")
        chain(parent, child).delay()
        self.run_jobs()
        self.assertFailed(
            child.record(self.env), rf"Job {parent.id}: .*create_and_return.* cannot be stored.*builtins.set"
        )

    def test_f11_who_does_not_ask_for_it_needs_no_value(self):
        parents = [create_and_return.delayable(self.session, "res.partner", "a set") for _n in range(2)]
        children = [read_nobody.delayable(self.session, "res.partner") for _n in range(2)]
        graph = chain(group(*parents), group(*children)).delay()
        self.run_jobs()
        self.assertDone(self.env["queue.job"].browse([job.id for job in graph.jobs]))

    def test_f11_behind_a_border_between_two_groups_the_job_is_named_too(self):
        parents = [create_and_return.delayable(self.session, "res.partner", name) for name in ("Markup", "a set")]
        children = [read_parents.delayable(self.session, "res.partner") for _n in range(2)]
        chain(group(*parents), group(*children)).delay()
        self.run_jobs()
        for child in children:
            self.assertFailed(child.record(self.env), rf"Job {parents[1].id}: ")

    def test_f11_without_delay_the_caller_is_not_disturbed_either(self):
        session = ConnectorSession.from_env(self.env(context={"connector_no_delay": BY_CODE}))
        done = create_and_return.delay(session, "res.partner", "a set")
        self.assertEqual((done.message, self.created("a set")), ("{1, 2}", 1))
