"""Name of this addon, and name of the addon that contained its code before."""

NAME = "jobs_queue"
FORMER_NAME = "connector"
