"""The jobs queue, under the names of the concepts: it is the addon ``jobs_queue``."""
