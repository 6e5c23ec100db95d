"""How fast the real binary answers over HTTP: related papers without the model, and questions against the model's own time."""

import json
import statistics
import tempfile
from pathlib import Path

import load
import service as services
import wire


async def related(soak):
    """Papers related to one, in a closed loop."""
    figures, service = soak.figures, soak.service
    papers = (await wire.ready(service))["papers"]
    figures.begin("related by id")
    seconds = soak.seconds(5, 30)
    for fresh in (True, False):
        await closed_loop(soak, load.related(soak.ids, fresh), seconds, papers, "for the first time" if fresh else "asked again and again")


async def closed_loop(soak, requests, seconds, papers, which):
    figures, service = soak.figures, soak.service
    figures.tell("papers are asked for", which, f"{len(soak.ids):,} of {papers:,}")
    await load.measured(service, requests, 4, 2, seed=soak.seed)
    # Nobody but a measurement knows how many clients bring the most.
    best = None
    for clients in (1, 2, 4, 8, 16):
        before = service.processor_seconds()
        result = await load.measured(service, requests, clients, seconds, seed=soak.seed)
        spent = service.processor_seconds() - before
        figures.none(f"{clients} clients: not answered 200", load.only(result, {200}))
        accepted = result["accepted"]
        figures.tell(f"{clients} clients", f"{accepted['per_second']:,.0f}/s, p99 {accepted['p99_ms']:.2f} ms",
                     f"{1000 * spent / accepted['count']:.2f} ms of processor time each, which others on this machine hardly change")
        if accepted["p99_ms"] < 20 and (best is None or accepted["per_second"] > best[1]["per_second"]):
            best = clients, accepted
    why = f"{best[0]} clients, p99 {best[1]['p99_ms']:.2f} ms; {papers:,} papers, {soak.cores} cores, the clients on the same" if best else ""
    figures.at_least(f"requests a second with p99 below 20 ms, {papers:,} papers, {which}", round(best[1]["per_second"]) if best else None, 3_000, "/s", why)


async def search(soak):
    """Questions one by one against the encoder by itself, and 32 at once against one by one; in turns, so that both see the same noise."""
    figures, service = soak.figures, soak.service
    figures.begin("search by text")
    with tempfile.TemporaryDirectory(prefix="paperkin-soak-") as folder:
        questions = Path(folder) / "questions.jsonl"
        # The same that the service is asked, each with a number behind it.
        asked = [f"{load.QUESTIONS[number % len(load.QUESTIONS)]} {number}" for number in range(load.MANY)]
        questions.write_text("".join(json.dumps({"text": question}) + "\n" for question in asked[:128]))
        passages = Path(folder) / "passages.jsonl"
        passages.write_text(json.dumps({"text": "one passage, since some must be given"}) + "\n")
        alone, served, together = [], [], []
        seconds = soak.seconds(4, 10)
        requests = load.asked(load.QUESTIONS, fresh=True)
        await load.measured(service, requests, 1, 1, seed=soak.seed)
        for _ in range(soak.count(3, 5)):
            report = Path(folder) / "report.json"
            done = services.run(["bench", "encode", "--texts", passages, "--questions", questions, "--rounds", "1", "--json-file", report])
            if done.returncode:
                raise RuntimeError(done.stdout)
            alone.append(statistics.median(json.loads(report.read_text())["question_ms"]))
            served.append(await load.measured(service, requests, 1, seconds, seed=soak.seed))
            together.append(await load.measured(service, requests, 32, seconds, seed=soak.seed, patient=True))
    # The least of each: noise only adds.
    encoder = min(alone)
    one = min(result["accepted"]["p50_ms"] for result in served)
    figures.at_most("p50 of one client, to the encoder by itself", one / encoder, 1.3, " x", f"{one:.2f} ms and {encoder:.2f} ms")
    ratios = sorted(many["accepted"]["per_second"] / single["accepted"]["per_second"] for single, many in zip(served, together))
    figures.at_least("answers a second of 32 clients, to one", ratios[len(ratios) // 2], 1.5, " x",
                     f"{max(result['accepted']['per_second'] for result in together):,.0f}/s and "
                     f"{max(result['accepted']['per_second'] for result in served):,.0f}/s; those refused come back a second later")
    p99 = min(result["accepted"]["p99_ms"] for result in together)
    figures.tell("p99 of what was accepted of 32", f"{p99:.1f} ms")
    for which, results in (("one", served), ("32", together)):
        for result in results:
            if load.only(result, {200, 503}):
                figures.none(f"of {which}: neither 200 nor 503", load.only(result, {200, 503}))
