"""semanticscholar with `api_url` and nothing else changed."""

import datetime
import unittest

from semanticscholar import SemanticScholar
from semanticscholar.SemanticScholarException import BadQueryParametersException, ObjectNotFoundException

from service import Service

LORA, COLBERT, DPR = "arxiv:2106.09685", "arxiv:2004.12832", "arxiv:2004.04906"


class Papers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = cls.enterClassContext(Service())
        cls.client = SemanticScholar(api_url=cls.service.url, retry=False)

    def test_a_paper_by_each_of_its_names(self):
        for name in (
            LORA, "ARXIV:2106.09685", "arXiv:2106.09685v2", "URL:https://arxiv.org/abs/2106.09685",
            "DOI:10.48550/arXiv.2106.09685",
        ):
            paper = self.client.get_paper(name)
            self.assertEqual(paper.paperId, LORA, name)
        self.assertEqual(paper.title, "LoRA: Low-Rank Adaptation of Large Language Models")
        self.assertEqual(paper.externalIds, {"ArXiv": "2106.09685"})
        self.assertEqual((paper.year, paper.publicationDate), (2021, datetime.datetime(2021, 6, 17)))
        self.assertEqual([author.name for author in paper.authors][:2], ["Edward J. Hu", "Yelong Shen"])
        self.assertTrue(paper.abstract.startswith("Fine-tuning all weights"))
        self.assertIn("eprint = {2106.09685}", paper.citationStyles["bibtex"])
        self.assertEqual((paper.citationCount, paper.tldr, paper.citations), (None, None, []))

    def test_fields_select(self):
        paper = self.client.get_paper(LORA, fields=["year", "authors.name"])
        self.assertEqual(sorted(paper.keys()), ["authors", "paperId", "year"])
        self.assertEqual(paper.authors[0].keys(), {"authorId", "name"})
        for fields in (["garbage"], ["authors.shoes"]):
            with self.assertRaisesRegex(BadQueryParametersException, rf"unsupported fields: \[{fields[0]}\]"):
                self.client.get_paper(LORA, fields=fields)

    def test_unknown_papers(self):
        for name in ("ARXIV:9901.00001", "CorpusId:215416146", "649def34f8be52c8b66281af98ae884c09aef38b", "nonsense"):
            with self.assertRaisesRegex(ObjectNotFoundException, "not found"):
                self.client.get_paper(name)

    def test_papers_in_the_order_of_their_ids(self):
        papers, missing = self.client.get_papers(
            ["ARXIV:2004.12832", "ARXIV:9901.00001", LORA, "nonsense"], return_not_found=True
        )
        self.assertEqual([paper.paperId for paper in papers], [COLBERT, LORA])
        self.assertEqual(missing, ["ARXIV:9901.00001", "nonsense"])
        with self.assertRaisesRegex(BadQueryParametersException, "No valid paper ids given"):
            self.client.get_papers(["nonsense"])
        status, _, rows = self.service.ask("/graph/v1/paper/batch", {"ids": ["nonsense", LORA]})
        self.assertEqual((status, rows[0], rows[1]["paperId"]), (200, None, LORA))

    def test_recommendations_for_one(self):
        papers = self.client.get_recommended_papers("ARXIV:2004.12832", limit=3)
        self.assertEqual(len(papers), 3)
        self.assertIn(DPR, [paper.paperId for paper in papers])
        self.assertNotIn(COLBERT, [paper.paperId for paper in papers])
        ours = self.service.ask(f"/v1/papers/{COLBERT}/related?limit=3")[2]
        self.assertEqual([paper.paperId for paper in papers], [hit["id"] for hit in ours["hits"]])
        whole = self.client.get_recommended_papers(COLBERT, fields=["title"], pool_from="all-cs")
        self.assertEqual(len(whole), 17)
        with self.assertRaises(ObjectNotFoundException):
            self.client.get_recommended_papers("ARXIV:9901.00001")
        with self.assertRaisesRegex(BadQueryParametersException, "unsupported fields: .tldr."):
            self.client.get_recommended_papers(COLBERT, fields=["tldr"])

    def test_recommendations_from_lists(self):
        liked, disliked = [COLBERT, "ARXIV:2005.11401"], ["ARXIV:1810.04805"]
        ids = [paper.paperId for paper in self.client.get_recommended_papers_from_lists(liked, disliked)]
        self.assertTrue(ids and not {COLBERT, "arxiv:2005.11401", "arxiv:1810.04805"} & set(ids))
        alone = self.client.get_recommended_papers_from_lists(liked, limit=1)
        self.assertEqual([paper.paperId for paper in alone], [DPR])
        with self.assertRaises(BadQueryParametersException):
            self.client.get_recommended_papers_from_lists([])
        with self.assertRaises(ObjectNotFoundException):
            self.client.get_recommended_papers_from_lists(["ARXIV:9901.00001"])

    def test_search_by_pages(self):
        query = "질문과 문서를 따로 인코딩하는 검색"
        found = self.client.search_paper(query, limit=2, fields=["title", "year"])
        self.assertEqual((len(found), found.offset, found.next), (2, 0, 2))
        first = [paper.paperId for paper in found]
        self.assertGreater(len(first), 6)
        self.assertEqual(len(set(first)), len(first), "no paper stands on two pages")
        self.assertIn(COLBERT, first[:2])
        whole = self.client.search_paper(query, limit=100)
        self.assertEqual([paper.paperId for paper in whole], first)
        self.assertEqual((whole.total, whole.next), (len(first), 0))
        self.assertIn("abstract", whole[0].keys())

    def test_search_within_years(self):
        for span, years in (("2020", {2020}), ("2021-2022", {2021, 2022}), ("-2016", {2016}), ("2024-", {2024})):
            found = self.client.search_paper("neural networks for language", year=span, limit=100)
            self.assertTrue({paper.year for paper in found} <= years, span)
            self.assertTrue(len(found), span)
        found = self.client.search_paper("dense retrieval", publication_date_or_year="2020-04:2020-04-20")
        self.assertEqual([paper.paperId for paper in found], [DPR])
        both = self.client.search_paper("dense retrieval", year="2021", publication_date_or_year="2020-04:2020-05")
        self.assertEqual(len(both), 0)

    def test_what_a_library_cannot_tell_is_refused(self):
        for more in ({"venue": ["ACL"]}, {"fields_of_study": ["Biology"]}, {"min_citation_count": 1},
                     {"open_access_pdf": True}, {"publication_types": ["Review"]}, {"year": "soon"}):
            with self.assertRaisesRegex(BadQueryParametersException, "Unacceptable query params"):
                self.client.search_paper("attention", **more)
        for absent in (
            lambda: self.client.search_paper("attention", bulk=True),
            lambda: self.client.search_paper("attention", match_title=True),
            lambda: self.client.get_paper_citations(LORA),
            lambda: self.client.get_paper_references("DOI:10.1145/1.2"),
            lambda: self.client.get_author("1741101"),
            lambda: self.client.get_autocomplete("attention"),
        ):
            with self.assertRaises(ObjectNotFoundException):
                absent()

    def test_nothing_found_is_an_empty_page(self):
        found = self.client.search_paper("tax return deadlines for football clubs in Paraguay")
        self.assertEqual((len(found), found.total), (0, 0))


if __name__ == "__main__":
    unittest.main()
