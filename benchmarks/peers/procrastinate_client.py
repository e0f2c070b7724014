"""Program that delays jobs of Procrastinate, in Procrastinate's own environment.

Commands and answers are lines of JSON.
"""

import asyncio
import json
import sys
import time

from benchmarks.peers.procrastinate_app import app, noop


async def delay(count):
    """Delay jobs by one INSERT."""
    began = time.perf_counter()
    await noop.batch_defer_async(*({"number": number} for number in range(1, count + 1)))
    return {"seconds": time.perf_counter() - began}


async def trickle(count, interval):
    """Delay jobs one by one, each in a transaction of its own; return the times of the commits."""
    commits = []
    for number in range(1, count + 1):
        await noop.defer_async(number=number)
        commits.append(time.time())
        await asyncio.sleep(interval)
    return commits


async def main():
    """Serve commands until the end of the input."""
    async with app.open_async():
        for line in sys.stdin:
            command, *arguments = json.loads(line)
            print(json.dumps(await {"delay": delay, "trickle": trickle}[command](*arguments)), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
