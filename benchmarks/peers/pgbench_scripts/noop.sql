WITH next AS (
    SELECT id FROM job WHERE state = 0 ORDER BY priority, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE job SET state = 1 FROM next WHERE job.id = next.id;
