"""Public import paths of the job queue: each module binds names of the addon ``jobs_queue``."""
