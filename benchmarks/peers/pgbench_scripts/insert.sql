INSERT INTO job (payload)
SELECT '{"model": "benchmark.record", "method": "noop", "ids": [1], "args": [1]}' FROM generate_series(1, :count);
