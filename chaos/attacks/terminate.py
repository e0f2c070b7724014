"""Attack: PostgreSQL ends connections of workers."""

from ..attack import Attack


class Terminate(Attack):
    name = "connections terminated"
    weight = 20

    def hit(self):
        self.run.observer.value(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND random() < 0.3 "
            "AND (datname = current_database() OR pid IN (SELECT backend_pid FROM queue_worker))"
        )
