"""Checks requests and responses against Google's own description of Compute Engine, which comes with its client."""

import json
import re
import sys
from pathlib import Path

import googleapiclient

document = json.loads((Path(googleapiclient.__file__).parent / "discovery_cache/documents/compute.v1.json").read_text())
schemas = document["schemas"]


def methods(node):
    yield from node.get("methods", {}).values()
    for child in node.get("resources", {}).values():
        yield from methods(child)


def pattern(path):
    return re.compile("/compute/v1/" + re.sub(r"\\{\w+\\}|\{\w+\}", "[^/]+", path) + "$")


known = [(method["httpMethod"], pattern(method["flatPath"]), method) for method in methods(document)]


def check(value, schema, where):
    if "$ref" in schema:
        return check(value, schemas[schema["$ref"]], where)
    kind = schema.get("type", "any")
    if kind == "object":
        assert isinstance(value, dict), f"{where} is no object"
        for key, each in value.items():
            inner = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
            assert inner is not None, f"{where}.{key} is not in the description"
            check(each, inner, f"{where}.{key}")
    elif kind == "array":
        assert isinstance(value, list), f"{where} is no list"
        for place, each in enumerate(value):
            check(each, schema["items"], f"{where}[{place}]")
    elif kind == "string":
        assert isinstance(value, str), f"{where} is no text: {value!r}"
        assert not schema.get("format", "").endswith("int64") or re.fullmatch(r"-?\d+", value), f"{where} is no number: {value!r}"
        assert "enum" not in schema or value in schema["enum"], f"{where} is no known word: {value!r}"
    elif kind in ("integer", "number"):
        assert isinstance(value, (int, float)) and not isinstance(value, bool), f"{where} is no number: {value!r}"
    elif kind == "boolean":
        assert isinstance(value, bool), f"{where} is no yes or no: {value!r}"


used = set()
for exchange in json.loads(Path(sys.argv[1]).read_text()):
    if exchange["path"] == "/token":
        continue
    fits = [method for verb, path, method in known if verb == exchange["method"] and path.match(exchange["path"])]
    assert fits, f"no such method: {exchange['method']} {exchange['path']}"
    method = fits[0]
    used.add(method["id"])
    for name, _ in exchange["query"]:
        assert name in method["parameters"] or name in document["parameters"], f"{method['id']} has no parameter {name}"
    if exchange["method"] == "POST":
        check(exchange["request"], method["request"], method["id"])
    if exchange["status"] == 200:
        check(exchange["response"], method["response"], f"{method['id']}'s answer")

assert used >= {
    "compute.projects.get", "compute.zones.list", "compute.machineTypes.list", "compute.images.getFromFamily",
    "compute.instances.insert", "compute.instances.get", "compute.instances.delete", "compute.instances.aggregatedList",
    "compute.disks.aggregatedList", "compute.zoneOperations.get", "compute.zoneOperations.list",
}, used
print("all as it should be")
