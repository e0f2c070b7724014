"""Every SQL statement that changes the state of a job or a worker.

Each function takes a cursor. Those that a worker calls run on its raw connection, in autocommit and READ COMMITTED: each statement sees
what was committed before it began, and a row that another transaction has just changed is looked at again instead of raising a
serialization failure. Only :func:`insert_jobs`, :func:`lock_lease` and :func:`complete` run on a business cursor, which is REPEATABLE READ.

A *lease* is the pair (worker_id, lease_token) on a job's row. The token comes from a sequence, is new with each claim and is cleared when
the lease ends; whoever writes for a job names it. A writer whose lease was taken away finds no row.
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
from .sql import BRIEFLY, DUE_AT, IN_ORDER, now, own_cursor, parameter
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
