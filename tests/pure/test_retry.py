"""Waits of a job before its next try."""

from unittest import TestCase

from odoo.addons.jobs_queue.exception import NetworkRetryableError, RetryableJobError
from odoo.addons.jobs_queue.jobs.retry import Exponential, Fixed, RetryPolicy


class TooManyRequests(Exception):
    def __init__(self, retry_after):
        super().__init__("429")
        self.retry_after = retry_after


class TestRetryPolicy(TestCase):
    def _seconds(self, policy, tries, error=None):
        return policy.seconds(error or RetryableJobError("x"), tries)

    def test_a_pattern_gives_the_seconds_of_the_largest_try_reached(self):
        policy = RetryPolicy({1: 10, 3: 60})
        self.assertEqual([self._seconds(policy, tries) for tries in (1, 2, 3, 9)], [10, 10, 60, 60])

    def test_without_a_policy_the_waiting_doubles_up_to_an_hour(self):
        for tries, longest in ((1, 10), (2, 20), (5, 160), (40, 3600), (10**6, 3600)):
            seconds = self._seconds(RetryPolicy(), tries)
            self.assertTrue(longest * 0.8 <= seconds <= longest, f"{seconds} s after {tries} tries")

    def test_an_exponential_strategy_without_jitter_is_exact(self):
        policy = RetryPolicy(Exponential(first=1, factor=3, longest=20, jitter=0))
        self.assertEqual([self._seconds(policy, tries) for tries in (1, 2, 3, 4)], [1, 3, 9, 20])

    def test_only_what_asks_for_another_try_is_retried_by_default(self):
        policy = RetryPolicy()
        self.assertTrue(policy.is_retryable(NetworkRetryableError("x")))
        self.assertFalse(policy.is_retryable(ConnectionError("x")))

    def test_further_exceptions_are_retried_each_by_its_strategy(self):
        policy = RetryPolicy({ConnectionError: Fixed(5), OSError: Fixed(50), KeyError: {1: 7}})
        self.assertTrue(policy.is_retryable(ConnectionResetError()))
        self.assertEqual(
            [self._seconds(policy, 1, error()) for error in (ConnectionResetError, TimeoutError, KeyError)], [5, 50, 7]
        )

    def test_what_the_exception_asks_for_wins(self):
        policy = RetryPolicy({TooManyRequests: Fixed(5)})
        self.assertEqual(self._seconds(policy, 1, TooManyRequests(42)), 42)
        self.assertEqual(self._seconds(policy, 1, RetryableJobError("x", seconds=3)), 3)
        self.assertEqual(self._seconds(policy, 1, TooManyRequests(None)), 5)

    def test_the_table_of_a_record_replaces_the_times_and_keeps_the_exceptions(self):
        policy = RetryPolicy({ConnectionError: Fixed(5)}).with_pattern({"1": 9})
        self.assertTrue(policy.is_retryable(ConnectionError()))
        self.assertEqual(self._seconds(policy, 1, ConnectionError()), 9)

    def test_a_wrong_policy_is_refused_where_it_is_written(self):
        for strategies in ({0: 10}, {1: -1}, {"first": 10}, [10], 10, {ConnectionError: 10}):
            with self.subTest(strategies=strategies), self.assertRaises(ValueError):
                RetryPolicy(strategies)
