"""A file for each queue that is measured."""
