"""Base classes of the attacks."""

import threading


class Attack:
    """An attack: something that is done while jobs run.

    :param run: the :class:`~chaos.run.Run` that is under attack
    """

    name = ""  # what was done, as it is counted
    weight = 0  # how often it is done among all; 0: it decides by itself

    def __init__(self, run):
        self.run = run

    def prepare(self):
        """Set up the attack before any worker is started; return whether this machine allows it."""
        return True

    def is_possible(self):
        """Tell whether the attack is possible now, beside other attacks that last."""
        return True

    def hit(self):
        """Make the attack; return False if there was no target for it."""
        raise NotImplementedError

    def end(self):
        """Undo what still goes on; from here on the jobs are left in peace."""

    def findings(self):
        """Return ``{what must not be: list of the cases found}``, after the end of all."""
        return {}

    def clear(self):
        """Remove what the attack has set up."""


class LastingAttack(Attack):
    """An attack that lasts for some seconds, one at a time."""

    seconds = 5

    def __init__(self, run):
        super().__init__(run)
        self._timer = None
        self._lock = threading.Lock()

    def is_possible(self):
        return not self.goes_on()

    def goes_on(self):
        return self._timer is not None

    def hit(self):
        if self.begin() is False:
            return False
        self._timer = threading.Timer(self.seconds, self.end)
        self._timer.daemon = True
        self._timer.start()
        return True

    def end(self):
        with self._lock:
            if self._timer is None:
                return
            self._timer.cancel()
            self.stop()
            self._timer = None

    def begin(self):
        """Begin the attack; return False if there was no target for it."""
        raise NotImplementedError

    def stop(self):
        """Undo the attack."""
        raise NotImplementedError
