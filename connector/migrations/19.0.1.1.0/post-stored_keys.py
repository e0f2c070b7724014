"""Keys of jobs that are longer than 250 characters become what ``connector/queue/keys.py`` stores of them, so that look-ups find them."""

# The form is written down here: an update from this version stays what it is when the code changes
_STORED = "left({key}, 186) || '#' || encode(sha256(convert_to({key}, 'UTF8')), 'hex')"


def migrate(cr, version):
    for key in ("identity_key", "concurrency_key", "group_key"):
        # a job that runs is left alone: its completion would fail
        cr.execute(
            f"UPDATE queue_job SET {key} = {_STORED.format(key=key)} WHERE length({key}) > 250 AND state <> 'started'"
        )
