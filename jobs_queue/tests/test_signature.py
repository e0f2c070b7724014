"""Check of the arguments at the time of the delay.

An argument that the function does not take is a TypeError at once.
"""

import functools
import inspect
import itertools

from odoo.exceptions import ValidationError
from odoo.tests import TransactionCase, tagged

from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.jobs.many import delay_many
from odoo.addons.jobs_queue.jobs.signature import Signature
from odoo.addons.jobs_queue.session import ConnectorSession


@job
def take_two(session, model_name, first, second, third=3, *, named=None):
    """Take two"""


@job
def take_named(session, model_name, *, named):
    """Take one by its name"""


@job
def take_all(session, model_name, *args, **kwargs):
    """Take all"""


@job(group_size=5)
def take_list(session, model_name, calls):
    """Take a list"""


SHAPES = [
    lambda a: 0,
    lambda a, b=1: 0,
    lambda a, b, c=1, *, d: 0,
    lambda a, b, /, c, *, d=1: 0,
    lambda a, /, b=1, **rest: 0,
    lambda a, *rest, b: 0,
    lambda *args, **kwargs: 0,
    lambda a, *, b=1, c: 0,
    lambda: 0,
]


@tagged("post_install", "-at_install")
class TestSignature(TransactionCase):
    def setUp(self):
        super().setUp()
        self.session = ConnectorSession.from_env(self.env)
        self.partner = self.env["res.partner"].create({"name": "Ada"})

    def test_f15_the_compiled_check_says_what_python_says(self):
        for func, implicit in itertools.product(SHAPES, (0, 2)):
            signature = Signature(func, implicit)
            for count in range(4):
                for names in itertools.chain.from_iterable(itertools.combinations("abcde", n) for n in range(4)):
                    args, kwargs = (0,) * count, dict.fromkeys(names)
                    try:
                        inspect.signature(func).bind(*(None,) * implicit, *args, **kwargs)
                        expected = True
                    except TypeError:
                        expected = False
                    self.assertIs(signature.takes(args, kwargs), expected, (str(inspect.signature(func)), args, kwargs))

    def test_f15_a_method_is_not_delayed_with_arguments_that_it_does_not_take(self):
        for call in (
            lambda delayed: delayed.write(),
            lambda delayed: delayed.write({}, {}),
            lambda delayed: delayed.write({}, vals={}),
            lambda delayed: delayed.write(values={}),
            lambda delayed: delayed.exists(1),
            lambda delayed: delayed.create(),
            lambda delayed: delayed.name_create(),
        ):
            for delayed in (self.partner.with_delay(), self.partner.delayable()):
                with self.assertRaisesRegex(TypeError, r"res\.partner\.(write|exists|create|name_create)"):
                    call(delayed)
        self.assertFalse(self.env["queue.job"].search([("function", "=like", "res.partner.%")]))

    def test_f15_an_option_among_the_arguments_of_a_method_is_told_where_it_goes(self):
        with self.assertRaisesRegex(TypeError, r"priority: no argument of res\.partner\.write .*with_delay\(priority="):
            self.partner.with_delay().write({}, priority=5)

    def test_f15_a_function_is_not_delayed_with_arguments_that_it_does_not_take(self):
        for args, kwargs, reason in (
            ((), {}, "missing a required argument: 'first'"),
            ((1,), {}, "missing a required argument: 'second'"),
            ((1, 2, 3, 4), {}, "too many positional arguments"),
            ((1, 2), {"first": 1}, "multiple values for argument 'first'"),
            ((1, 2), {"prio": 1}, "prio: neither an argument of .*take_two .* nor an option of delay"),
        ):
            for delay in (take_two.delay, take_two.delayable):
                with self.subTest(args=args, kwargs=kwargs), self.assertRaisesRegex(TypeError, reason):
                    delay(self.session, "res.partner", *args, **kwargs)
        with self.assertRaisesRegex(TypeError, "take_named.*missing a required.* 'named'"):
            take_named.delay(self.session, "res.partner")

    def test_f15_what_it_takes_is_delayed(self):
        for delay in (
            lambda: take_two.delay(self.session, "res.partner", 1, 2),
            lambda: take_two.delay(self.session, "res.partner", 1, second=2, named=3, priority=1),
            lambda: take_named.delay(self.session, "res.partner", named=3),
            lambda: take_all.delay(self.session, "res.partner", 1, 2, a=3, priority=4),
            lambda: take_list.delay(self.session, "res.partner", 1, 2, 3, 4, a=5),
            lambda: self.partner.with_delay().write({"name": "x"}),
            lambda: self.partner.with_delay().write(vals={"name": "x"}),
            lambda: self.partner.with_delay(priority=1).message_post(body="x", subtype_xmlid="mail.mt_note"),
            lambda: self.env["res.partner"].with_delay().create([{"name": "x"}]),
            lambda: self.env["res.partner"].with_delay().search([], limit=1),
        ):
            self.assertTrue(delay().id)

    def test_f15_one_bad_call_of_many_is_named_and_nothing_is_delayed(self):
        before = self.env["queue.job"].search_count([])
        with self.assertRaisesRegex(TypeError, "Call 2: .*missing a required argument: 'second'"):
            delay_many(self.session, take_two, "res.partner", [(1, 2), (1,)])
        with self.assertRaisesRegex(TypeError, "Call 1: .*fourth"):
            delay_many(self.session, take_two, "res.partner", [{"first": 1, "second": 2, "fourth": 4}])
        self.assertEqual(self.env["queue.job"].search_count([]), before)

    def test_f15_a_schedule_is_not_made_with_arguments_that_the_function_does_not_take(self):
        with self.assertRaisesRegex(ValidationError, "not those of .*second"):
            self.env["queue.job.schedule"].create(
                {"name": "s", "function": take_two.job_options.name, "arguments": '{"first": 1}'}
            )

    def test_f15_a_method_that_is_wrapped_is_looked_at_as_it_says(self):
        original = type(self.partner)._compute_display_name

        @functools.wraps(original)
        def wrapper(self, *args, **kwargs):
            return original(self, *args, **kwargs)

        self.patch(type(self.partner), "_compute_display_name", wrapper)
        self.assertTrue(self.partner.with_delay()._compute_display_name().id)
        with self.assertRaisesRegex(TypeError, "too many positional"):
            self.partner.with_delay()._compute_display_name(1)

    def test_f15_a_function_that_a_test_puts_in_place_of_another_is_the_one_that_is_called(self):
        self.partner.with_delay().exists()
        self.patch(type(self.partner), "exists", lambda self, more: self)
        self.assertTrue(self.partner.with_delay().exists(1).id)

    def test_f15_an_argument_that_is_called_as_an_option_is_refused_where_it_is_written(self):
        def bad(session, model_name, priority):
            pass

        def bad_too(session, model_name, *, eta=None, channel=None):
            pass

        with self.assertRaisesRegex(ValueError, "bad has an argument priority, which is called as an option"):
            job(bad)
        with self.assertRaisesRegex(ValueError, "bad_too has an argument eta, channel"):
            job(max_retries=1)(bad_too)

    def test_f15_names_that_nobody_gives_by_name_are_free(self):
        def good(session, model_name, priority, /, *eta, **channel):
            pass

        self.assertIs(job(good), good)
