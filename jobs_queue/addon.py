"""The name of this addon, and the name of the addon of which it was a part."""

NAME = "jobs_queue"
FORMER_NAME = "connector"
