"""Public import paths of the jobs queue: each binds names of the addon ``jobs_queue``."""
