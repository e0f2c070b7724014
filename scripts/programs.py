"""Run other programs, with their output in a log.

Nothing of the user's shell leaks into them.
"""

import os
import signal
import subprocess
import time
from contextlib import contextmanager

from .paths import LOGS, ODOO_CONFIG, ODOO_DATA
from .progress import Failure, disk_full

LEAKS = ("PYTHON", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "VIRTUAL_ENV", "ODOO_", "OPENERP_", "PYTEST_")
END = 15  # lines of a failed program's output to show


def environment():
    """Return the environment variables for programs.

    They are the user's, without settings of other Pythons and other Odoos.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(LEAKS)}
    return kept | {"ODOO_RC": str(ODOO_CONFIG), "ODOO_DATA_DIR": str(ODOO_DATA)}


def run(arguments, remedy, log="setup.log", env=None, input="", **options):
    """Run a program to its end and return what it printed.

    :param remedy: what the user can do if it fails
    :param log: name of the log that gets the output
    :raise Failure: it does not exist, or its exit status is not zero
    """
    arguments = [str(argument) for argument in arguments]
    try:
        done = subprocess.run(
            arguments,
            env=env or environment(),
            input=input,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            **options,
        )
    except FileNotFoundError as error:
        raise Failure(f"the program {error.filename} does not exist.", remedy) from error
    LOGS.mkdir(parents=True, exist_ok=True)
    with (LOGS / log).open("a") as file:
        file.write(f"$ {' '.join(arguments)}\n{done.stdout}\n")
    if done.returncode:
        if "No space left on device" in done.stdout:
            raise disk_full(arguments[0])
        output = [line for line in done.stdout.splitlines() if line.strip() and " INFO " not in line][-END:]
        raise Failure(
            f"{arguments[0]} ended with status {done.returncode}.",
            f"{remedy} The whole output is in {LOGS / log}.",
            [" ".join(arguments), *output],
        )
    return done.stdout


def attend(arguments, cwd=None, variables=()):
    """Run a program in the terminal and return its exit status.

    A signal to stop lets the program tidy up first.

    :param variables: of the environment, as a dict, beside those of this process
    """
    process = subprocess.Popen(arguments, env=environment() | dict(variables), cwd=cwd)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # the terminal sent it to the program, too
            continue
        except SystemExit:
            process.send_signal(signal.SIGINT)
            process.wait()
            raise


@contextmanager
def beside(arguments, log, cwd=None, variables=()):
    """Run a program in the background, at the latest to the end of the block.

    The end of the block interrupts it. The value is a function. It shows in the terminal what the
    program prints, from its beginning until it has ended, and returns its exit status.

    :param log: path of the file that gets the output
    :param variables: of the environment, as a dict, beside those of this process
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        process = subprocess.Popen(
            arguments,
            env=environment() | dict(variables),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches this command alone, which then interrupts the program
            preexec_fn=heed_interrupts,
        )
    try:
        yield lambda: show(process, log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait()


def heed_interrupts():
    """Let Ctrl-C end this program.

    A command that a shell runs in its background ignores Ctrl-C, and so would the programs that it
    starts.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def show(process, log):
    with log.open(errors="replace") as output:
        while True:
            has_ended = process.poll() is not None
            print(output.read(), end="", flush=True)
            if has_ended:
                return process.returncode
            time.sleep(0.2)
