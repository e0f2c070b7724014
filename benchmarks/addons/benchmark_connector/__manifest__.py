{
    "name": "Benchmark Connector",
    "summary": "What the benchmarks need of the connector's queue beside the jobs that every queue runs",
    "version": "19.0.1.0.0",
    "category": "Hidden/Tests",
    "author": "Connector Suite contributors",
    "license": "LGPL-3",
    "depends": ["connector", "benchmark_jobs"],
    "data": ["data/queue_job_channel.xml"],
}
