"""What an attack is."""

import threading


class Attack:
    """Something that is done while jobs run.

    :param run: the :class:`~chaos.run.Run` that is under attack
    """

    name = ""  # what was done, as it is counted
    weight = 0  # how often it is done among all; 0: it decides by itself

    def __init__(self, run):
        self.run = run

    def prepare(self):
        """Set up what it needs, before any worker is started; return whether it can be done on this machine."""
        return True

    def is_possible(self):
        """Whether it can be done now, beside what goes on."""
        return True

    def hit(self):
        """Do it; return False if there was nothing to do it to."""
        raise NotImplementedError

    def end(self):
        """Undo what still goes on: from here on the jobs are left in peace."""

    def findings(self):
        """Return ``{what must not be: list of those that are so}``, when all is over."""
        return {}

    def clear(self):
        """Remove what it has set up."""


class LastingAttack(Attack):
    """An attack that goes on for some seconds, one at a time."""

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
        """Do it; return False if there was nothing to do it to."""
        raise NotImplementedError

    def stop(self):
        """Undo it."""
        raise NotImplementedError
