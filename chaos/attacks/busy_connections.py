"""Attack: other clients hold all connections of the server, and workers lose theirs."""

from contextlib import suppress

import psycopg2

from ..attack import LastingAttack
from .terminate import Terminate


class BusyConnections(LastingAttack):
    name = "all connections held by others"
    weight = 4
    seconds = 6

    def begin(self):
        self._held = []
        # the other clients get the connections that the workers have lost
        Terminate(self.run).hit()
        with suppress(psycopg2.OperationalError):
            while True:
                self._held.append(psycopg2.connect(dbname="postgres"))

    def stop(self):
        for connection in self._held:
            connection.close()
