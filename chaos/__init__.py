"""The proof of the queue under attack: `make chaos`."""
