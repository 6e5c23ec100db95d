"""Chooses what is embedded, the same on every machine: real abstracts, short questions, and texts in five languages.

A choice is every n-th of what fits, so that it depends on nothing but the data. No text is longer than the model
reads: an engine that cuts would have less to do than one that refuses.
"""

import json
from pathlib import Path

from tokenizers import Tokenizer

LIMIT = 512


def choose(data: Path, model: Path, folder: Path, abstracts: int, questions: int = 200, fidelity: int = 1000):
    """Writes the three files into `folder` and returns their paths: abstracts, questions, fidelity."""
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))

    def fitting(texts, prefix, least, most):
        texts = [text for text in texts if text.strip()]
        counts = [len(ids.ids) for ids in tokenizer.encode_batch([prefix + text for text in texts])]
        return [text for text, count in zip(texts, counts) if least <= count <= most]

    def passages(texts):
        return fitting(texts, "passage: ", 1, LIMIT)

    def usual(texts):
        return fitting(texts, "passage: ", 64, 280)

    def short(texts):
        return fitting(texts, "query: ", 8, 16)

    def lines(path, *keys):
        file = data / path
        if not file.is_file():
            raise SystemExit(
                f"bench-peers: {file} is missing: the texts are read from shared/data; name its folder by PAPERKIN_SHARED"
            )
        for line in file.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            yield "\n".join(record[key] for key in keys if record.get(key))

    scifact = passages(lines("scifact/corpus.jsonl", "title", "abstract"))
    notes = passages(lines("digest-notes/corpus.jsonl", "title", "abstract"))
    german = passages(lines("tatoeba/deu-eng.jsonl", "src"))
    japanese = passages(lines("tatoeba/jpn-eng.jsonl", "src"))
    korean = passages(lines("digest-notes/ko.queries.jsonl", "text"))
    chinese = passages(lines("csl/corpus.jsonl", "title", "abstract"))
    titles = short(lines("digest-notes/corpus.jsonl", "title"))
    korean_questions = short(lines("tatoeba/kor-eng.jsonl", "src"))
    chinese_questions = short(lines("csl/queries.jsonl", "text"))

    folder.mkdir(parents=True, exist_ok=True)
    chosen = {
        f"abstracts-{abstracts}.jsonl": spread([usual(scifact + notes)], abstracts),
        f"questions-{questions}.jsonl": spread([titles, korean_questions, chinese_questions], questions),
        f"fidelity-{fidelity}.jsonl": spread([notes, korean, chinese, japanese, german], fidelity),
    }
    paths = []
    for name, texts in chosen.items():
        path = folder / name
        path.write_text("".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts), "utf-8")
        paths.append(path)
    return paths


def spread(sources, count):
    """`count` texts, the same number from each source, every n-th of it; sources take turns."""
    share = -(-count // len(sources))
    columns = []
    for source in sources:
        if len(source) < share:
            raise SystemExit(f"bench-peers: {share} texts wanted where {len(source)} fit: ask for fewer with --texts")
        columns.append([source[place * len(source) // share] for place in range(share)])
    return [text for row in zip(*columns) for text in row][:count]
