import os
import resource
import signal
import time

from odoo.tests import TransactionCase, tagged
from odoo.tools import config

from odoo.addons.connector.queue.hosts import child, command
from odoo.addons.connector.queue.hosts.cron import reason_to_stop


@tagged("post_install", "-at_install")
class TestLimitsOfCron(TransactionCase):
    def _allow(self, seconds):
        """Have the kernel say that this process may use the processor for some more seconds."""
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
