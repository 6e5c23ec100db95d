"""Ten minutes of ordinary work, and memory that does not grow: what leaks shows as a slope, not as a peak."""

import asyncio

import load
import service as services
from service import MIB


async def flat(soak):
    figures, service = soak.figures, soak.service
    figures.begin("memory")
    seconds = soak.seconds(40, 600)
    mixed = load.related(soak.ids, fresh=True)[:5_000] + load.asked(load.QUESTIONS, fresh=True)[:5_000] + 1_000 * ["/v1/facets", "/", "/v1/tasks", "/healthz", "/nothing"]
    # Until every cache and every thread's arena is there.
    await load.measured(service, mixed, 8, seconds / 4, seed=soak.seed)
    descriptors = service.descriptors()
    with services.Memory(service, every=1.0) as memory:
        result = await load.measured(service, mixed, 8, seconds, seed=soak.seed)
    whole = memory.slope(seconds) * seconds / 60 / MIB
    first, last = memory.samples[0][1] / MIB, memory.samples[-1][1] / MIB
    figures.at_most(f"growth over {seconds} s, by its slope", round(whole, 2), 8.0, " MiB",
                    f"{memory.slope(seconds) / MIB:.2f} MiB a minute; {first:.1f} MiB to {last:.1f} MiB, peak {memory.peak / MIB:.1f}; "
                    f"{result['accepted']['count']:,} answers")
    if soak.quick:
        # Less than a minute goes up and down by more than that.
        figures.skip("over the last minute", "<= 1 MiB a minute", "too short a run")
    else:
        figures.at_most("over the last minute", round(memory.slope(60) / MIB, 2), 1.0, " MiB a minute")
    figures.none("neither 200 nor 404 nor 503", load.only(result, {200, 404, 503}))
    await asyncio.sleep(2)
    figures.at_most("descriptors more than before", service.descriptors() - descriptors, 0)
