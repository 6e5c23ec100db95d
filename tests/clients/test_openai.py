"""OpenAI's own client, with another address and nothing else changed."""

import base64
import struct
import unittest

import openai
from tokenizers import Tokenizer

from service import ANSWER, MODEL, QUESTION, UNRELATED, Service, cosine

NAME = "multilingual-e5-small"


class Embeddings(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = cls.enterClassContext(Service())
        cls.client = openai.OpenAI(base_url=cls.service.url + "/v1", api_key="none", max_retries=0)
        cls.tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))

    @classmethod
    def tearDownClass(cls):
        cls.client.close()

    def embed(self, texts, **more):
        return self.client.embeddings.create(model=NAME, input=texts, **more)

    def assertRefused(self, code, param, texts, **more):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.embed(texts, **more)
        error = caught.exception
        self.assertEqual((error.type, error.code, error.param), ("invalid_request_error", code, param), error.message)
        return error.message

    def test_both_formats_are_the_same_numbers(self):
        texts = [ANSWER, QUESTION, "🦙"]
        floats = self.embed(texts, encoding_format="float")
        coded = self.embed(texts, encoding_format="base64")
        unsaid = self.embed(texts)
        plain = self.service.ask("/v1/embeddings", {"input": texts})[2]
        self.assertEqual([each.index for each in floats.data], [0, 1, 2])
        for one, other, usual, absent in zip(floats.data, coded.data, unsaid.data, plain["data"]):
            self.assertEqual(len(one.embedding), 384)
            packed = struct.pack("<384f", *one.embedding)
            self.assertEqual(packed, base64.b64decode(other.embedding))
            self.assertEqual(packed, struct.pack("<384f", *usual.embedding))
            self.assertEqual(one.embedding, absent["embedding"])
            self.assertAlmostEqual(cosine(one.embedding, one.embedding), 1, places=5)

    def test_one_text_has_the_vector_that_it_has_among_many(self):
        alone = self.embed(ANSWER).data[0].embedding
        among = self.embed([UNRELATED, ANSWER] + [f"{number} more" for number in range(200)]).data
        self.assertEqual(len(among), 202)
        self.assertGreater(cosine(alone, among[1].embedding), 0.99999)

    def test_a_question_in_korean_is_nearer_to_the_passage_that_answers_it(self):
        question = self.embed(QUESTION, extra_body={"input_type": "query"}).data[0].embedding
        answer, unrelated = (each.embedding for each in self.embed([ANSWER, UNRELATED]).data)
        self.assertGreater(cosine(question, answer), cosine(question, unrelated) + 0.01)
        named = self.embed(QUESTION, extra_body={"prompt_name": "query"}).data[0].embedding
        self.assertEqual(question, named)
        passage, said = self.embed(QUESTION), self.embed(QUESTION, extra_body={"input_type": "passage"})
        self.assertEqual(passage.data[0].embedding, said.data[0].embedding)
        self.assertLess(cosine(question, passage.data[0].embedding), 0.9999)

    def test_usage_is_what_the_models_own_tokenizer_counts(self):
        texts = [ANSWER, QUESTION, "a"]
        for role, more in (("passage: ", {}), ("query: ", {"extra_body": {"input_type": "query"}})):
            usage = self.embed(texts, **more).usage
            counted = sum(len(self.tokenizer.encode(role + text).ids) for text in texts)
            self.assertEqual((usage.prompt_tokens, usage.total_tokens), (counted, counted))

    def test_what_cannot_be_done_is_refused_by_name(self):
        self.assertRefused("empty_array", "input", [])
        self.assertRefused("empty_string", "input", ["a", ""])
        self.assertRefused("array_above_max_length", "input", ["a"] * 257)
        self.assertRefused("max_tokens_per_request", "input", ["word " * 400] * 200)
        self.assertRefused("unsupported_value", "dimensions", "a", dimensions=256)
        for tokens in ([1, 2], [[1], [2]]):
            self.assertIn("tokenizer", self.assertRefused("unsupported_value", "input", tokens))
        self.assertRefused("invalid", None, {"text": "a"})
        self.assertRefused("invalid", None, "a", encoding_format="float16")
        self.assertRefused("invalid", None, "a", extra_body={"input_typ": "query"})
        self.assertEqual(len(self.embed("a", dimensions=384, user="somebody").data), 1)

    def test_a_long_text_is_refused_and_not_cut(self):
        told = self.assertRefused("context_length_exceeded", "input", ["short", "word " * 599 + "word"])
        self.assertIn("input[1]", told)
        self.assertIn("600 tokens", told)
        self.assertEqual(len(self.embed("word " * 500).data), 1)

    def test_the_model_that_answers_is_told(self):
        self.assertEqual([model.id for model in self.client.models.list()], [NAME])
        model = self.client.models.retrieve(NAME)
        self.assertEqual((model.id, model.object, model.owned_by), (NAME, "model", "paperkin"))
        with self.assertRaises(openai.NotFoundError) as caught:
            self.client.models.retrieve("text-embedding-3-small")
        self.assertEqual(caught.exception.code, "model_not_found")
        raw = self.client.embeddings.with_raw_response.create(model="text-embedding-3-small", input="a")
        self.assertEqual((raw.headers["x-paperkin-model"], raw.parse().model), (NAME, NAME))
        raw = self.client.embeddings.with_raw_response.create(model=NAME, input="a")
        self.assertNotIn("x-paperkin-model", raw.headers)

    def test_what_a_layer_refuses_has_the_shape_too(self):
        with self.assertRaises(openai.APIStatusError) as caught:
            self.embed("a" * 2_000_000)
        self.assertEqual((caught.exception.status_code, caught.exception.code), (413, "body_too_large"))
        with self.assertRaises(openai.PermissionDeniedError):
            self.embed("a", extra_headers={"Origin": "https://evil.example"})


if __name__ == "__main__":
    unittest.main()
