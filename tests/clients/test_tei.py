"""TEI's usual client, huggingface_hub, and plain HTTP for what it does not show."""

import unittest

import numpy
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError
from tokenizers import Tokenizer

from service import ANSWER, MODEL, QUESTION, UNRELATED, Service


class Embed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = cls.enterClassContext(Service())
        cls.client = InferenceClient(model=cls.service.url + "/embed", token="none")
        cls.tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))

    def assertRefused(self, status, kind, body):
        answered, _, error = self.service.ask("/embed", body)
        self.assertEqual((answered, error["error_type"], sorted(error)), (status, kind, ["error", "error_type"]), error)
        return error["error"]

    def test_huggingface_hub_gets_its_vectors(self):
        one = self.client.feature_extraction(ANSWER)
        self.assertEqual((one.shape, one.dtype), ((1, 384), numpy.float32))
        question = self.client.feature_extraction(QUESTION, prompt_name="query", normalize=True)
        texts = self.client.feature_extraction([ANSWER, UNRELATED], prompt_name="passage")
        self.assertEqual(texts.shape, (2, 384))
        numpy.testing.assert_allclose(numpy.linalg.norm(texts, axis=1), 1, atol=1e-5)
        self.assertGreater((texts @ one.T)[0, 0], 0.99999)
        near, far = texts @ question[0]
        self.assertGreater(near, far + 0.01)
        with self.assertRaises(HfHubHTTPError) as caught:
            self.client.feature_extraction("word " * 600)
        self.assertEqual(caught.exception.response.status_code, 413)

    def test_a_long_text_is_cut_where_truncate_says_so(self):
        words = [f"word{number}" for number in range(400)]
        long = " ".join(words)
        told = self.assertRefused(413, "Validation", {"inputs": ["a", long]})
        self.assertIn("in text 1", told)
        kept = {}
        for side, direction in (("head", "right"), ("tail", "left"), ("head", "Right"), ("tail", "Left")):
            vector = self.client.feature_extraction(long, truncate=True, truncation_direction=direction)[0]
            numpy.testing.assert_array_equal(vector, kept.setdefault(side, vector))
        unsaid = self.client.feature_extraction(long, truncate=True)[0]
        numpy.testing.assert_array_equal(unsaid, kept["head"])
        # What is kept is the most that the model reads, by the tokenizer's own count, and no character more.
        room = self.service.ask("/info")[2]["max_input_length"]
        fits = lambda part: len(self.tokenizer.encode(part, add_special_tokens=False).ids) <= room
        offsets = self.tokenizer.encode(long, add_special_tokens=False).offsets
        ends, starts = offsets[room - 1][1], offsets[-room][0]
        head = max((long[:end] for end in range(ends - 20, ends + 20) if fits(long[:end])), key=len)
        tail = max((long[start:] for start in range(starts - 20, starts + 20) if fits(long[start:])), key=len)
        for side, text in (("head", head), ("tail", tail)):
            numpy.testing.assert_array_equal(self.client.feature_extraction(text)[0], kept[side], side)
        self.assertLess(kept["head"] @ kept["tail"], 0.9999)
        # What fits is not touched.
        numpy.testing.assert_array_equal(
            self.client.feature_extraction(ANSWER, truncate=True), self.client.feature_extraction(ANSWER)
        )

    def test_headers_tell_what_it_took(self):
        status, headers, vectors = self.service.ask("/embed", {"inputs": [ANSWER, "a"]})
        self.assertEqual((status, len(vectors)), (200, 2))
        counted = sum(len(self.tokenizer.encode("passage: " + text).ids) for text in (ANSWER, "a"))
        self.assertEqual(int(headers["x-compute-tokens"]), counted)
        self.assertEqual(int(headers["x-compute-characters"]), len(ANSWER) + 1)
        times = ["x-tokenization-time", "x-queue-time", "x-inference-time"]
        total = int(headers["x-total-time"])
        self.assertLessEqual(sum(int(headers[name]) for name in times), total + 3)
        self.assertEqual(int(headers["x-compute-time"]), total)

    def test_info(self):
        status, _, info = self.service.ask("/info")
        self.assertEqual(status, 200)
        self.assertEqual(info["model_id"], "multilingual-e5-small")
        self.assertEqual(info["model_type"], {"embedding": {"pooling": "mean"}})
        self.assertEqual((info["max_client_batch_size"], info["auto_truncate"]), (256, False))
        self.assertTrue(500 < info["max_input_length"] < 512)

    def test_what_cannot_be_done_is_refused(self):
        self.assertRefused(400, "Empty", {"inputs": []})
        self.assertRefused(413, "Validation", {"inputs": ""})
        self.assertRefused(413, "Validation", {"inputs": ["a"] * 257})
        self.assertRefused(413, "Validation", {"inputs": [1, 2]})
        self.assertRefused(413, "Validation", {"inputs": "a", "normalize": False})
        self.assertRefused(413, "Validation", {"inputs": "a", "dimensions": 64})
        self.assertRefused(413, "Validation", {"inputs": "a", "prompt_name": "title"})
        self.assertRefused(422, "Validation", {"inputs": {"text": "a"}})
        self.assertRefused(422, "Validation", {"input": "a"})


if __name__ == "__main__":
    unittest.main()
