"""Public import paths of the job queue: each module re-exports names of ``jobs_queue``."""
