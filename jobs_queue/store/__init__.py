"""SQL statements that change the state of jobs and workers.

Each function takes a cursor, or a connection. The functions that a worker calls run on its raw
connection, in autocommit and READ COMMITTED. There, each statement sees what was committed before
it began. If another transaction has just changed a row, the statement checks the new version of the
row and raises no serialization failure. The actions of users, the schedules and the grouping of
failures run on a READ COMMITTED cursor of their own, see :func:`own_cursor`. Some functions run on
a cursor of Odoo or of a job, which is REPEATABLE READ: those that insert jobs, and those that lock
and complete running jobs, such as :func:`insert_jobs`, :func:`lock_lease` and :func:`complete`.

A *lease* is the pair (worker_id, lease_token) on a job's row. The token comes from a sequence. It
is new with each claim and is cleared when the lease ends. Each statement that writes for a job
names the token. If the lease was taken away, the statement finds no row.
"""

from .actions import (
    cancel,
    count_by_state,
    delete_ended,
    release_waiting,
    request_cancellation,
    requeue,
    set_done,
    unlocked,
)
from .channels import held, hold, next_in_order, regardless_of_modules, release_holds, seconds_to_next_token
from .claiming import LeasedJob, claim
from .insert import create_sequences, drop_sequences, insert_jobs
from .failures import FailedJob, has_ungrouped, lock_ungrouped, put_in_group
from .dependencies import insert_edges, parent_results, release_children, release_forgotten_children
from .batches import COMMON, complete_group, join_group, lock_leases, start_group, still_leased
from .keys import keys_of_failed, release_forgotten_keys, release_keys, seconds_waiting
from .database import adopt_database, is_original, reason_not_to_serve, remember_database
from .ending import Ending, Holder
from .leases import (
    are_done,
    cancel_requests,
    complete,
    count_in_a_row,
    end_cancelled,
    end_locker,
    fail,
    give_back,
    give_back_unknown,
    lock_lease,
    release,
    release_unstarted,
    retry,
    seconds_unknown,
    start,
    write_progress,
)
from .prepared import keep_prepared
from .schedules import lock_due_schedule
from .sql import BRIEFLY, DUE_AT, is_in_order, now, own_cursor, parameter
from .upkeep import adopt_strays, count_runnable, schedule_due, seconds_to_next_eta
from .trouble import PASSING, claim_trouble, fail_troubled, forget_troubles, is_refusal, note_trouble
from .workers import (
    DIED,
    HEARTBEAT_TIMEOUT,
    INTERRUPTED,
    STOPPED,
    alive_workers,
    backend_of,
    dead_workers,
    end_dead_worker,
    end_process,
    end_worker,
    free_lost_runs,
    free_orphans,
    heartbeat,
    leases_of,
    note_backends,
    order_workers,
    ordered_state,
    other_hosts_alive,
    place_of,
    register_worker,
    server_began,
    states_of_alive,
)

__all__ = [
    "BRIEFLY",
    "COMMON",
    "DIED",
    "DUE_AT",
    "HEARTBEAT_TIMEOUT",
    "INTERRUPTED",
    "PASSING",
    "STOPPED",
    "Ending",
    "FailedJob",
    "Holder",
    "LeasedJob",
    "adopt_database",
    "adopt_strays",
    "alive_workers",
    "are_done",
    "backend_of",
    "cancel",
    "cancel_requests",
    "claim",
    "claim_trouble",
    "complete",
    "complete_group",
    "count_by_state",
    "count_in_a_row",
    "count_runnable",
    "create_sequences",
    "dead_workers",
    "delete_ended",
    "drop_sequences",
    "end_cancelled",
    "end_dead_worker",
    "end_locker",
    "end_process",
    "end_worker",
    "fail",
    "fail_troubled",
    "forget_troubles",
    "free_lost_runs",
    "free_orphans",
    "give_back",
    "give_back_unknown",
    "has_ungrouped",
    "heartbeat",
    "held",
    "hold",
    "insert_edges",
    "insert_jobs",
    "is_in_order",
    "is_original",
    "is_refusal",
    "join_group",
    "keep_prepared",
    "keys_of_failed",
    "leases_of",
    "lock_due_schedule",
    "lock_lease",
    "lock_leases",
    "lock_ungrouped",
    "next_in_order",
    "note_backends",
    "note_trouble",
    "now",
    "order_workers",
    "ordered_state",
    "other_hosts_alive",
    "own_cursor",
    "parameter",
    "parent_results",
    "place_of",
    "put_in_group",
    "reason_not_to_serve",
    "regardless_of_modules",
    "register_worker",
    "release",
    "release_children",
    "release_forgotten_children",
    "release_forgotten_keys",
    "release_holds",
    "release_keys",
    "release_unstarted",
    "release_waiting",
    "remember_database",
    "request_cancellation",
    "requeue",
    "retry",
    "schedule_due",
    "seconds_to_next_eta",
    "seconds_to_next_token",
    "seconds_unknown",
    "seconds_waiting",
    "server_began",
    "set_done",
    "start",
    "start_group",
    "states_of_alive",
    "still_leased",
    "unlocked",
    "write_progress",
]
