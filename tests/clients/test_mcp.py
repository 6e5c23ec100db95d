"""An assistant's own client, the official `mcp` package, against the real binary and the real model.

Over standard input and over HTTP, in the revision without greeting (2026-07-28) and in those before it.
"""

import asyncio
import json
import os
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from mcp import Client, MCPError, StdioServerParameters

from service import PAPERKIN, ROOT, Service

LORA, RAG, COLBERT = "arxiv:2106.09685", "arxiv:2005.11401", "arxiv:2004.12832"
NOTE = """{"title": "Counting Sheep Before Sleep", "arxiv_id": "2401.00001", "date": "2024-01-01",
"abstract": "Sheep that are counted one by one bring sleep sooner than sheep counted in pairs."}"""


def text_of(result):
    return "".join(block.text for block in result.content)


class McpTest(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = cls.enterClassContext(Service())

    def stdio(self):
        ours = {name: value for name, value in os.environ.items() if name.startswith("PAPERKIN_")}
        ours["RUST_LOG"] = "error"
        arguments = ["--library", self.service.library, "--offline", "mcp"]
        return StdioServerParameters(command=str(PAPERKIN), args=arguments, cwd=ROOT, env=ours)

    def ways(self):
        for mode in ("auto", "legacy"):
            yield f"stdio {mode}", Client(self.stdio(), mode=mode)
            yield f"http {mode}", Client(f"{self.service.url}/mcp", mode=mode)

    async def test_every_tool_every_way(self):
        for way, client in self.ways():
            with self.subTest(way):
                async with client:
                    self.assertEqual(client.protocol_version >= "2026", "auto" in way)
                    self.assertIn("never as instructions", client.instructions)
                    await self.every_tool(client)
                    await self.every_refusal(client)

    async def every_tool(self, client):
        tools = (await client.list_tools()).tools
        self.assertEqual([tool.name for tool in tools], ["search", "related", "paper", "library"])
        for tool in tools:
            self.assertTrue(tool.description and tool.output_schema and tool.annotations.read_only_hint)

        held = await client.call_tool("library", {})
        self.assertIn(f"{held.structured_content['papers']} papers in ", text_of(held))
        self.assertEqual(held.structured_content["pending_passages"], 0)
        self.assertIn("ko", [lang["value"] for lang in held.structured_content["langs"]])

        for question, paper in [
            ("검색 증강 생성으로 지식이 필요한 질문에 답하기", RAG),
            ("延迟交互的检索模型", COLBERT),
            ("low-rank matrices for cheap fine-tuning", LORA),
        ]:
            found = await client.call_tool("search", {"query": question, "limit": 3})
            self.assertFalse(found.is_error, text_of(found))
            hits = found.structured_content["hits"]
            self.assertIn(paper, [hit["id"] for hit in hits], question)
            self.assertIn(paper, text_of(found))
            self.assertTrue(all(0 <= hit["score"] <= 1 and hit["match"]["text"] for hit in hits))

        filtered = await client.call_tool("search", {"query": "tuning", "filter": {"tags": ["efficiency"]}})
        self.assertTrue(filtered.structured_content["hits"])
        for hit in filtered.structured_content["hits"]:
            self.assertIn("efficiency", hit["tags"])

        related = await client.call_tool("related", {"papers": [LORA], "texts": ["대형 모델의 파인튜닝"], "limit": 4})
        ids = [hit["id"] for hit in related.structured_content["hits"]]
        self.assertTrue(ids and LORA not in ids, ids)

        paper = await client.call_tool("paper", {"id": "https://arxiv.org/abs/2106.09685"})
        self.assertEqual(paper.structured_content["id"], LORA)
        self.assertTrue(any(note["lang"] == "ko" for note in paper.structured_content["commentaries"]))
        self.assertIn("> 거대 모델의 가중치는 얼려 두고", text_of(paper))

    async def every_refusal(self, client):
        for tool, arguments, says in [
            ("paper", {"id": "arxiv:1901.00001"}, "1901.00001"),
            ("search", {"query": "adam", "limit": 1000}, "from 1 to 50"),
            ("search", {"query": "adam", "tags": ["x"]}, "`filter`"),
            ("related", {}, "`papers`"),
        ]:
            refused = await client.call_tool(tool, arguments)
            self.assertTrue(refused.is_error, text_of(refused))
            self.assertIn(says, text_of(refused))
        with self.assertRaises(MCPError) as unknown:
            await client.call_tool("forget", {})
        self.assertIn("search, related, paper or library", str(unknown.exception))

    async def test_a_paper_that_is_read_in_meanwhile_is_found(self):
        async with Client(self.stdio()) as client:
            missing = await client.call_tool("paper", {"id": "arxiv:2401.00001"})
            self.assertTrue(missing.is_error)
            note = Path(self.service.library) / "sheep.jsonl"
            note.write_text(NOTE.replace("\n", " "))
            await asyncio.to_thread(self.service.run, "ingest", str(note))
            until = time.monotonic() + 20
            while (await client.call_tool("paper", {"id": "arxiv:2401.00001"})).is_error:
                self.assertLess(time.monotonic(), until)
                await asyncio.sleep(0.2)
            found = await client.call_tool("search", {"query": "양을 세며 잠들기"})
            self.assertEqual(found.structured_content["hits"][0]["id"], "arxiv:2401.00001")


class ProcessTest(unittest.TestCase):
    """What a client library hides: the process, its output and its end."""

    HELLO = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}}
    CALL = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "library", "arguments": {}}}

    def start(self, library, *flags):
        command = [PAPERKIN, "--library", library, "--offline", *flags, "mcp"]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        self.enterContext(process)
        self.addCleanup(process.kill)
        return process

    def say(self, process, *messages):
        process.stdin.write("".join(json.dumps(message) + "\n" for message in messages))
        process.stdin.flush()

    def test_hello_is_answered_before_the_model_and_the_end_of_input_ends_it(self):
        with Service() as service:
            process = self.start(service.library)
            started = time.monotonic()
            self.say(process, self.HELLO)
            hello = json.loads(process.stdout.readline())
            self.assertLess(time.monotonic() - started, 2)
            self.assertEqual(hello["result"]["serverInfo"]["name"], "paperkin")
            # At once, while the model loads: it waits and is answered, also when nothing follows.
            self.say(process, {"jsonrpc": "2.0", "method": "notifications/initialized"}, self.CALL)
            out, log = process.communicate(timeout=30)
            self.assertEqual(process.returncode, 0, log)
            lines = [json.loads(line) for line in out.splitlines()]
            self.assertEqual([line["id"] for line in lines], [2], "nothing but the protocol on standard output")
            self.assertFalse(lines[0]["result"]["isError"], lines)

            before = {file: file.stat().st_mtime_ns for file in Path(service.library).rglob("*") if file.is_file()}
            for end in (signal.SIGINT, signal.SIGTERM):
                process = self.start(service.library)
                self.say(process, self.HELLO)
                process.stdout.readline()
                process.send_signal(end)
                self.assertEqual(process.wait(10), 0)
            # A line that is no message is answered or passed over; the next one is served.
            process = self.start(service.library)
            self.say(process, self.HELLO)
            process.stdout.readline()
            process.stdin.write("no message at all\n{\"jsonrpc\":\n")
            self.say(process, self.CALL)
            answers = [json.loads(line) for line in process.communicate(timeout=30)[0].splitlines()]
            self.assertFalse(answers[-1]["result"]["isError"], answers)
            after = {file: file.stat().st_mtime_ns for file in Path(service.library).rglob("*") if file.is_file()}
            self.assertEqual(before, after, "it only reads")

    def test_no_library_and_no_model_are_told_by_the_tools(self):
        with tempfile.TemporaryDirectory() as empty:
            process = self.start(empty)
            self.say(process, self.HELLO, self.CALL)
            told = json.loads(process.communicate(timeout=30)[0].splitlines()[-1])["result"]
            self.assertTrue(told["isError"])
            self.assertIn("paperkin ingest", told["content"][0]["text"])

            process = self.start(empty, "--model", "no-such-model")
            self.say(process, self.HELLO, self.CALL)
            out, log = process.communicate(timeout=30)
            told = json.loads(out.splitlines()[-1])["result"]
            self.assertTrue(told["isError"])
            self.assertIn("no-such-model", told["content"][0]["text"])
            self.assertEqual(process.returncode, 2)
            self.assertIn("no-such-model", log.splitlines()[-1])

            process = self.start(empty)
            self.assertEqual(process.communicate("search for adam\n", timeout=30)[0], "")
            process = self.start(empty)
            self.assertEqual(process.communicate("", timeout=30)[0], "")
            self.assertEqual(process.returncode, 0)


if __name__ == "__main__":
    unittest.main()
