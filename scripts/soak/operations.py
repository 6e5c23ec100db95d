"""Every operation of the service, from its own /openapi.json: what is added to the service is soaked without a line here."""

import json
from urllib.parse import quote

import wire

METHODS = ("get", "put", "post", "delete", "patch", "options", "head", "trace")


class Operation:
    def __init__(self, document, path, method, described):
        self.document, self.path, self.method = document, path, method.upper()
        self.parameters = described.get("parameters", [])
        self.contents = list(described.get("requestBody", {}).get("content", {}))
        self.schema = None
        if "application/json" in self.contents:
            self.schema = described["requestBody"]["content"]["application/json"].get("schema")
        self.statuses = {int(status) for status in described.get("responses", {}) if status.isdigit()}
        self.answers = {kind for answer in described.get("responses", {}).values() for kind in answer.get("content", {})}
        self.tags = described.get("tags", [])

    def __str__(self):
        return f"{self.method} {self.path}"

    @property
    def has_body(self):
        return bool(self.contents)

    @property
    def takes_papers(self):
        """An upload, with bounds of its own."""
        return self.method == "POST" and self.path == "/v1/papers"

    @property
    def is_of_a_face(self):
        """Of another's API, which refuses in a shape of its own."""
        return self.path.startswith(("/v1/embeddings", "/v1/models", "/embed", "/info", "/graph/", "/recommendations/"))

    @property
    def is_health(self):
        return self.path in ("/healthz", "/readyz", "/metrics")

    @property
    def streams(self):
        return "text/event-stream" in self.answers

    @property
    def changes(self):
        return self.method != "GET" and not (self.schema and not self.takes_papers)

    def url(self, ids, values=None):
        """Its address, with good values where it must have some; `values` by name come before those."""
        values = values or {}
        path, query = self.path, []
        for parameter in self.parameters:
            name = parameter["name"]
            if parameter["in"] == "path":
                value = values.get(name, ids[0] if name == "id" and "paper" in self.path else "x")
                path = path.replace("{" + name + "}", wire.quoted(value))
            elif parameter["in"] == "query" and (name in values or parameter.get("required")):
                value = values.get(name, parameter.get("example", parameter.get("schema", {}).get("example", "a")))
                query.append(f"{quote(name)}={wire.quoted(value)}")
        return path + ("?" + "&".join(query) if query else "")

    def body(self, ids):
        """A good body, as it is described."""
        if self.takes_papers:
            return b'{"title": "On soaking", "abstract": "A paper about patience."}\n'
        if self.schema is None:
            return b""
        return json.dumps(self._good(self.schema, ids)).encode()

    def _good(self, schema, ids, depth=0):
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            if name == "Example":
                return ids[0]
            return self._good(self.document["components"]["schemas"][name], ids, depth)
        if "example" in schema:
            return schema["example"]
        for several in ("oneOf", "anyOf", "allOf"):
            if several in schema:
                return self._good(next((one for one in schema[several] if one.get("type") != "null"), {}), ids, depth)
        if "enum" in schema:
            return schema["enum"][0]
        kind = schema.get("type", "object")
        if isinstance(kind, list):
            kind = next(one for one in kind if one != "null")
        match kind:
            case "object":
                wanted = schema.get("required", [])
                return {name: self._good(part, ids, depth + 1) for name, part in schema.get("properties", {}).items() if name in wanted}
            case "array":
                return [self._good(schema.get("items", {}), ids, depth + 1)]
            case "integer":
                return max(1, int(schema.get("minimum", 1)))
            case "number":
                return schema.get("minimum", 0.5)
            case "boolean":
                return True
            case _:
                return "soak"

    def headers(self):
        if not self.has_body:
            return []
        return [("Content-Type", "application/json" if self.schema else self.contents[0])]


async def of(service):
    answer = await wire.ask(service, "GET", "/openapi.json")
    document = answer.json()
    return [Operation(document, path, method, described)
            for path, methods in document["paths"].items() for method, described in methods.items() if method in METHODS]


async def papers(service, questions):
    """Names of papers of the library, enough to ask for."""
    names = {}
    for question in questions:
        answer = await wire.ask(service, "GET", f"/v1/search?limit=1000&floor=none&q={quote(question)}")
        for hit in answer.json()["hits"]:
            names[hit["id"]] = None
    if not names:
        raise SystemExit("the library has no papers to ask for")
    return list(names)
