"""The name of the addon, and that of the one of which it was a part."""

NAME = "jobs_queue"
FORMER_NAME = "connector"
