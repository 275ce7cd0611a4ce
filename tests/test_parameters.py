"""docs/parameters.md has every key; ``python -m tests.test_parameters`` brings its table up to date."""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from stages.common.model_config import Features, ModelConfig
from stages.common.params import Params
from tests.conftest import PROJECT

DOCUMENT = PROJECT / "docs/parameters.md"
SCHEMA = Params.model_json_schema()
STAGES = yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"]
DECLARED = {name: stage.get("do", stage).get("params", []) for name, stage in STAGES.items()}
# Entries that users name, as the documents call them.
ENTRIES = dict.fromkeys(("backbones", "features", "label_issues"), "NAME")
ENTRIES |= dict.fromkeys(("models", "cluster.models"), "MODEL")
TYPES = {"string": "text", "boolean": "`true`, `false`", "null": "empty", "object": "mapping"}
BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
HEADER = "| key | meaning | values | default | re-runs |\n|---|---|---|---|---|\n"


def fields(section: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each key that holds a value, with its JSON schema."""
    for name, schema in section["properties"].items():
        key = prefix + name
        if inner := re.search(r"#/\$defs/(?!JsonValue)(\w+)", str(schema)):
            entry = f"{key}.{ENTRIES[key]}." if key in ENTRIES else f"{key}."
            yield from fields(SCHEMA["$defs"][inner[1]], entry)
        else:
            yield key, {**schema, "required": name in section.get("required", ())}


def values(schema: Any) -> str:
    if "anyOf" in schema:
        return " or ".join(map(values, schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if "prefixItems" in schema:
        return f"[{', '.join(map(values, schema['prefixItems']))}]"
    if "items" in schema:
        return f"[{values(schema['items'])}, …]"
    bounds = [f"{sign} {schema[name]}" for name, sign in BOUNDS.items() if name in schema]
    described = " ".join([TYPES.get(schema["type"], schema["type"]), *bounds])
    return described.replace(f"< {2**32}", "< 2³²").replace(f" < {2**31}", "")


def default(schema: Any, key: str) -> str:
    if key.endswith(".seed"):
        return "`seed`"
    if key.startswith("cluster.models."):
        return f"`{key.replace('models.MODEL.', '')}`"
    if schema["required"]:
        return "required"
    value = schema.get("default")
    return "empty" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def steps(key: str) -> str:
    """Return the steps that list a key in dvc.yaml, or a section that holds it."""
    plain = key.replace(".NAME", ".${key}").replace(".MODEL", ".${key}")
    found = [name for name, keys in DECLARED.items() if any(f"{plain}.".startswith(f"{one}.") for one in keys)]
    return ", ".join(f"`{name}`" for name in found) or "nothing"


def meanings(text: str) -> dict[str, str]:
    return dict(re.findall(r"^\| `([^`]+)` \| (.*?) \|", text, re.MULTILINE))


def table(known: dict[str, str]) -> str:
    rows = ""
    for key, schema in fields(SCHEMA):
        rows += f"| `{key}` | {known.get(key, '')} | {values(schema)} | {default(schema, key)} | {steps(key)} |\n"
    return HEADER + rows


def test_the_table_is_that_of_the_schema_and_dvc_yaml() -> None:
    text = DOCUMENT.read_text()
    known = meanings(text)
    assert table(known) in text, "run `python -m tests.test_parameters`"
    assert all(known.values()), f"say what they mean: {[key for key, meaning in known.items() if not meaning]}"
    assert set(known) == {key for key, _ in fields(SCHEMA)}


def test_params_yaml_leaves_out_defaults() -> None:
    text = (PROJECT / "params.yaml").read_text()
    assert "&" not in text, "the first -S would expand an anchor"
    params = yaml.safe_load(text)
    for section, defaults in {"features": Features.model_fields, "models": ModelConfig.model_fields}.items():
        for entry, content in params[section].items():
            same = [key for key, value in content.items() if value == defaults[key].default]
            assert not same, f"{section}.{entry}"


if __name__ == "__main__":
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(HEADER)
    after = rest[rest.index("\n\n") + 1 :]
    DOCUMENT.write_text(before + table(meanings(text)) + after)
