import os
import queue
import resource
import signal
import threading
import time
from types import SimpleNamespace

from odoo.tests import TransactionCase, tagged
from odoo.tools import config

from odoo.addons.jobs_queue import store, worker
from odoo.addons.jobs_queue.hosts import child, command
from odoo.addons.jobs_queue.hosts.cron import reason_to_stop
from odoo.addons.jobs_queue.jobs import JobBatch
from odoo.addons.jobs_queue.worker import exclusive


@tagged("post_install", "-at_install")
class TestLimitsOfCron(TransactionCase):
    def _allow(self, seconds):
        """Replace the kernel's limit: this process may use the processor for some more seconds."""
        allowed = seconds if seconds == resource.RLIM_INFINITY else time.process_time() + seconds
        self.patch(resource, "getrlimit", lambda _which: (allowed, resource.RLIM_INFINITY))

    def test_a_job_is_stopped_in_time_before_odoo_ends_its_process(self):
        self._allow(resource.RLIM_INFINITY)
        self.assertIsNone(reason_to_stop(100, 120))
        self.assertIn("runs longer than cron allows (120 s)", str(reason_to_stop(106, 120)))

    def test_a_job_that_uses_up_the_processor_time_of_the_process_is_stopped_too(self):
        self.patch(config, "options", {**config.options, "limit_time_cpu": 60})
        self._allow(40)
        self.assertIsNone(reason_to_stop(1, None))
        self._allow(14)
        self.assertIn("uses the processor longer than cron allows (60 s)", str(reason_to_stop(1, None)))

    def test_without_limits_a_job_may_run_for_ever(self):
        self._allow(resource.RLIM_INFINITY)
        self.assertIsNone(reason_to_stop(10**9, None))


@tagged("post_install", "-at_install")
class TestCauseOfDeath(TransactionCase):
    def _cause(self, exit_code, killed_for_memory=0):
        process = child.Child()
        process.pid = 7
        before = child._count_out_of_memory()
        self.patch(child, "_count_out_of_memory", lambda: before + killed_for_memory)
        return process.cause_of_death(exit_code)

    def test_a_parent_tells_a_kill_by_hand_from_one_for_want_of_memory(self):
        self.assertEqual(self._cause(-signal.SIGKILL), "the worker process 7 was killed by SIGKILL")
        self.assertEqual(
            self._cause(-signal.SIGKILL, killed_for_memory=1),
            "the worker process 7 was killed because the machine or its container had no memory left",
        )

    def test_other_ends_are_told_by_their_signal_or_exit_status(self):
        self.assertEqual(self._cause(-signal.SIGSEGV), "the worker process 7 was killed by SIGSEGV")
        self.assertEqual(self._cause(3), "the worker process 7 ended with exit status 3")

    def test_the_end_of_a_child_is_read_without_reaping_it(self):
        read, write = os.pipe()
        pid = os.fork()
        if not pid:
            os.read(read, 1)
            os._exit(3)
        self.assertIsNone(child.exit_code_of(pid))
        os.write(write, b"x")
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        self.assertEqual(child.exit_code_of(pid), 3)
        self.assertEqual(os.waitpid(pid, 0), (pid, 3 << 8))
        self.assertIsNone(child.exit_code_of(pid))
        os.close(read)
        os.close(write)


@tagged("post_install", "-at_install")
class TestSignsOfLife(TransactionCase):
    """Conclusions of a parent from the signs of life of a process, at times that the test sets."""

    def setUp(self):
        super().setUp()
        self.now = 1000.0
        self.patch(time, "monotonic", lambda: self.now)
        self.child = child.Child(2, silence_limit=15)
        self.child.pid = 7
        self.child.signs.beat()

    def turns(self, seconds, each=0.5):
        """Let time pass in turns of the parent's loop; return the first reason to kill."""
        for _turn in range(round(seconds / each)):
            self.now += each
            if reason := self.child.reason_to_kill():
                return reason
        return None

    def run_job(self, token, time_limit=0, dbname="db"):
        self.child.signs.begin(dbname, SimpleNamespace(lease_token=token, time_limit=time_limit))

    def test_f2_a_process_that_beats_is_left_alone_however_long_its_jobs_run(self):
        self.run_job(5)
        for _beat in range(100):
            self.assertIsNone(self.turns(3))
            self.child.signs.beat()

    def test_f2_one_that_beats_and_does_not_look_at_the_limits_of_its_jobs_is_killed_after_such_a_limit(self):
        self.run_job(5, time_limit=1)
        for _beat in range(2):
            self.assertIsNone(self.turns(2))
            self.child.signs.beat()
        self.child.signs.beat()
        self.assertIn("longer than its time limit", self.turns(1.5))
        self.assertEqual(set(self.child._blamed("db")), {5})

    def test_f2_one_whose_job_is_not_stopped_long_after_its_time_limit_is_killed_whatever_it_shows(self):
        self.run_job(5, time_limit=1)
        for _turn in range(10):
            self.assertIsNone(self.turns(2))
            self.child.signs.beat()
            self.child.signs.turn()
        self.assertIn("longer than its time limit", self.turns(2))

    def test_f2_a_batch_is_shown_with_the_smallest_time_limit_of_its_jobs(self):
        members = [
            SimpleNamespace(
                id=number, function="f", user_id=1, lease_token=5, time_limit=limit, memory_limit=0, retry=0
            )
            for number, limit in enumerate((None, 9, 4))
        ]
        self.child.signs.begin("db", JobBatch(members))
        self.assertEqual([(run.lease_token, run.deadline) for run in self.child.signs.runs()], [(5, self.now + 4)])

    def test_f2_threads_that_begin_at_the_same_time_show_their_runs_beside_each_other(self):
        shown = child.SignsOfLife(2)

        class Meeting(dict):
            """A dict in which both threads look up a key before one of them writes."""

            barrier = threading.Barrier(2, timeout=10)

            def get(self, key, default=None):
                found = super().get(key, default)
                self.barrier.wait()
                return found

            def setdefault(self, key, value):
                self.barrier.wait()
                return super().setdefault(key, value)

        shown._slots = Meeting()
        threads = [
            threading.Thread(target=shown.begin, args=("db", SimpleNamespace(lease_token=token, time_limit=None)))
            for token in (1, 2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({run.lease_token for run in shown.runs()}, {1, 2})

    def test_f2_one_that_gives_no_beat_is_killed_after_the_limit_once(self):
        self.run_job(5)
        self.assertIsNone(self.turns(15))
        reason = "the worker process 7 was killed: it gave no sign of life for 15 s, as it was stopped or a job held the interpreter"
        self.assertEqual(self.turns(1), reason)
        self.assertIsNone(self.turns(100))
        self.assertEqual(self.child.cause_of_death(-signal.SIGKILL), reason)
        self.assertIsNone(self.child._blamed("db"))

    def test_f2_one_whose_job_is_beyond_its_time_limit_is_killed_when_its_own_steps_did_not_help(self):
        self.run_job(5, time_limit=3)
        self.assertIsNone(self.turns(6.5))
        self.assertIn("longer than its time limit", self.turns(1))
        self.assertEqual(
            self.child._blamed("db"),
            {5: "it ran longer than its time limit of 3 s and held the interpreter: its process was killed"},
        )
        self.assertEqual(self.child._blamed("another"), {})

    def test_f2_a_silent_process_is_killed_before_other_workers_find_it_dead(self):
        self.child = child.Child(1)
        self.child.signs.beat()
        self.assertIsNone(self.turns(10))
        self.assertIn("no sign of life for 10 s", self.turns(store.workers.HEARTBEAT_TIMEOUT - 4 - 10))

    def test_f2_a_machine_that_was_suspended_kills_nobody(self):
        self.run_job(5, time_limit=3)
        self.assertIsNone(self.turns(2))
        self.now += 3600
        self.assertIsNone(self.child.reason_to_kill())
        self.assertIsNone(self.turns(1))

    def test_f2_one_that_has_not_begun_to_beat_is_not_judged(self):
        self.child = child.Child(1, silence_limit=15)
        self.assertIsNone(self.turns(100))

    def test_f2_without_a_watchdog_nobody_is_killed(self):
        self.child = child.Child(1, silence_limit=0)
        self.child.signs.beat()
        self.run_job(5, time_limit=1)
        self.assertIsNone(self.turns(100))

    def test_f2_the_end_of_one_that_has_lost_its_files_is_told(self):
        self.assertEqual(
            self.child.cause_of_death(worker.FILES_CLOSED),
            "the worker process 7 ended: somebody, perhaps a job, has closed its files",
        )

    def test_f2_each_thread_shows_its_run_to_the_parent_and_a_run_that_has_ended_is_not_shown(self):
        shown = child.SignsOfLife(2)
        pid = os.fork()
        if not pid:
            shown.begin("one", SimpleNamespace(lease_token=2**40, time_limit=10))
            thread = threading.Thread(target=shown.begin, args=("two", SimpleNamespace(lease_token=6, time_limit=None)))
            thread.start()
            thread.join()
            shown.beat()
            os._exit(0)
        os.waitpid(pid, 0)
        self.assertEqual(shown.beats, 1)
        self.assertEqual([(run.lease_token, run.deadline) for run in shown.runs("one")], [(2**40, 1010.0)])
        self.assertEqual([(run.lease_token, run.deadline) for run in shown.runs("two")], [(6, 0)])
        shown.end()
        self.assertEqual([run.lease_token for run in shown.runs()], [6])


@tagged("post_install", "-at_install")
class TestExclusiveRuns(TransactionCase):
    """Threads that want to run jobs; a thread that is not let in says so."""

    def setUp(self):
        super().setUp()
        self.stopping = threading.Event()
        self.runs = exclusive.ExclusiveRuns(self.stopping)
        self.joined = queue.Queue()
        self.addCleanup(self.stopping.set)

    def join(self, name, runs_alone=False):
        job = SimpleNamespace(id=len(name), runs_alone=runs_alone)

        def join():
            self.joined.put(name if self.runs.join(job, "a database") else f"not {name}")

        threading.Thread(target=join, daemon=True).start()
        return job

    def has_joined(self):
        return self.joined.get(timeout=10)

    def test_f2_jobs_run_beside_each_other(self):
        self.join("one")
        self.join("two")
        self.assertEqual({self.has_joined(), self.has_joined()}, {"one", "two"})

    def test_f2_a_job_that_was_lost_with_others_waits_for_these_and_no_other_begins_before_it_has_ended(self):
        self.patch(exclusive, "HELD_SECONDS", 10)
        first = self.join("first")
        self.has_joined()
        alone = self.join("alone", runs_alone=True)
        while not self.runs.is_closed:
            self.assertFalse(self.joined.qsize())
        # a job that comes meanwhile is not held: its thread is refused
        self.join("early")
        self.assertEqual(self.has_joined(), "not early")
        self.runs.leave(first)
        self.assertEqual(self.has_joined(), "alone")
        self.join("early")
        self.assertEqual(self.has_joined(), "not early")
        self.runs.leave(alone)
        self.assertFalse(self.runs.is_closed)
        later = self.join("later")
        self.assertEqual(self.has_joined(), "later")
        self.runs.leave(later)
        self.assertFalse(self.runs.is_closed)

    def test_f2_while_it_waits_another_process_can_take_it(self):
        self.patch(exclusive, "HELD_SECONDS", 0.1)
        self.join("for hours")
        self.has_joined()
        self.join("alone", runs_alone=True)
        self.assertEqual(self.has_joined(), "not alone")
        self.assertTrue(self.runs.is_closed, "this one does not take it back before others can")

    def test_f2_it_does_not_wait_for_ever_and_does_not_keep_others_waiting_for_ever(self):
        self.patch(exclusive, "PATIENCE", 0.1)
        self.patch(exclusive, "ALONE_SECONDS", 0.1)
        self.join("for hours")
        self.has_joined()
        self.join("alone", runs_alone=True)
        self.assertEqual(self.has_joined(), "alone")
        while self.runs.is_closed:
            pass
        self.join("later")
        self.assertEqual(self.has_joined(), "later")

    def test_f2_a_stop_ends_all_waiting(self):
        self.patch(exclusive, "HELD_SECONDS", 1000)
        self.join("for hours")
        self.has_joined()
        self.join("alone", runs_alone=True)
        while not self.runs.is_closed:
            self.assertFalse(self.joined.qsize())
        self.stopping.set()
        self.assertEqual(self.has_joined(), "not alone")


@tagged("post_install", "-at_install")
class TestSupervisor(TransactionCase):
    def test_a_stop_reaches_the_other_processes_where_one_has_just_ended(self):
        told = []

        def kill(pid, sig):
            told.append((pid, sig))
            if pid == 7:
                raise ProcessLookupError

        self.patch(os, "kill", kill)
        supervisor = command.Supervisor(2, 1, list)
        supervisor.children = {7: child.Child(), 8: child.Child()}
        supervisor._stop(signal.SIGTERM, None)
        self.assertEqual(told, [(7, signal.SIGTERM), (8, signal.SIGTERM)])
