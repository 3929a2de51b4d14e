"""Checks documents against the schemas, and that the schemas refuse what is spoiled.

    python3 tools/cairnlab/check_schemas.py docs/schema SAMPLES

SAMPLES has a folder for each schema, of its name. In it are documents: .json, .jsonl (one a line), or .toml.
Each document has to pass with no member that its schema does not name; and with each member left out that is
required, or with any member of another type, it has to fail.
"""
import copy
import json
import pathlib
import sys
import tomllib

from jsonschema import Draft202012Validator


def documents(file):
    text = file.read_text()
    if file.suffix == ".toml":
        return [tomllib.loads(text)]
    return [json.loads(line) for line in (text.splitlines() if file.suffix == ".jsonl" else [text])]


def closed(schema):
    """The schema without room for members that it does not name: for our own documents, not for readers of
    later ones.
    """
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    result = {
        key: closed(value) if key != "properties" else {name: closed(one) for name, one in value.items()}
              for key, value in schema.items()}
    if "properties" in result:
        result.setdefault("additionalProperties", False)
    return result


def places(value, path=()):
    """Every member and item below a value, as a path."""
    items = value.items() if isinstance(value,
                                        dict) else enumerate(value[:3]) if isinstance(value, list) else []
    for key, inner in items:
        yield path + (key,)
        yield from places(inner, path + (key,))


def changed(document, path, change):
    document = copy.deepcopy(document)
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    change(holder, path[-1])
    return document


def requireds(schema):
    found = set()
    if isinstance(schema, dict):
        found |= set(schema.get("required", []))
        for value in schema.values():
            found |= requireds(value)
    elif isinstance(schema, list):
        for value in schema:
            found |= requireds(value)
    return found


class Other:
    """Of no type that JSON has, so of another than any member's."""


def check(schema, file):
    validator = Draft202012Validator(closed(schema), format_checker=None)
    required = requireds(schema)
    spoiled = 0
    seen = set()
    for number, document in enumerate(documents(file)):
        errors = sorted(validator.iter_errors(document), key=str)
        if errors:
            raise SystemExit(
                f"{file}, document {number + 1}: {errors[0].message} at {list(errors[0].absolute_path)}")
        # One document of each shape is spoiled.
        shape = str(sorted(map(str, places(document)))) + str(
                document.get("event") if isinstance(document, dict) else "")
        if shape in seen or len(seen) > 40:
            continue
        seen.add(shape)
        free = [path for path in places(document) if path[-1] == "configuration"]
        for path in places(document):
            if any(path[:len(one)] == one and path != one for one in free):
                continue
            worse = [changed(document, path, lambda holder, key: holder.__setitem__(key, Other()))]
            if isinstance(path[-1], str) and path[-1] in required:
                holder = document
                for key in path[:-1]:
                    holder = holder[key]
                inner = changed(document, path, lambda holder, key: holder.pop(key))
                # A name may be required in one place and not in another.
                if is_required(schema, document, path):
                    worse.append(inner)
            for one in worse:
                spoiled += 1
                if validator.is_valid(one):
                    raise SystemExit(f"{file}: {list(path)} may be left out or of any type")
    if spoiled < 1:
        raise SystemExit(f"{file}: nothing in it could be spoiled")
    return spoiled


def is_required(schema, document, path):
    """Whether the schema says that the member at a path must be there."""
    for one in schema.get("oneOf", [schema]):
        const = one.get("properties", {}).get("event", {}).get("const")
        if const is not None and const != document.get("event"):
            continue
        here = one
        for key in path[:-1]:
            if isinstance(key, int):
                here = here.get("items", {})
            else:
                here = here.get("properties", {}).get(key, here.get("additionalProperties", {}))
            here = schema if here.get("$ref") == "#" else here
        return path[-1] in here.get("required", [])
    return False


def main():
    schemas, samples = map(pathlib.Path, sys.argv[1:])
    total = 0
    for file in sorted(schemas.glob("*.json")):
        schema = json.loads(file.read_text())
        Draft202012Validator.check_schema(schema)
        found = sorted((samples / file.stem).glob("*")) if (samples / file.stem).is_dir() else []
        if not found:
            raise SystemExit(f"{file.name}: there is no document to check")
        total += sum(check(schema, one) for one in found)
    unknown = {one.name for one in samples.iterdir()} - {file.stem for file in schemas.glob("*.json")}
    if unknown:
        raise SystemExit(f"there is no schema for {sorted(unknown)}")
    print(f"{total} spoiled documents were refused")


main()
