"""docs/parameters.md has every key; ``python -m tests.test_parameters`` brings its table up to date."""

import re
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from stages.common.params import Params
from tests.conftest import PROJECT

DOCUMENT = PROJECT / "docs/parameters.md"
# Entries that users name, as the documents call them.
ENTRIES = {
    "backbones": "NAME",
    "features": "NAME",
    "label_issues": "NAME",
    "models": "MODEL",
    "cluster.models": "MODEL",
}
BOUNDS = {"ge": "≥ {}", "gt": "> {}", "le": "≤ {}", "lt": "< {}"}
HEADER = "| key | meaning | values | default | re-runs |\n|---|---|---|---|---|\n"


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield each key that holds a value, in the order of the schema."""
    for name, field in model.model_fields.items():
        key = prefix + name
        *_, inner = [field.annotation, *(of for of in get_args(field.annotation) if of is not type(None))]
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from fields(inner, f"{key}.{ENTRIES[key]}." if key in ENTRIES else f"{key}.")
        else:
            yield key, field


def values(annotation: Any, metadata: Any = ()) -> str:
    """Describe the values of a type."""
    limits = {name: getattr(of, name) for of in flat(metadata) for name in BOUNDS if hasattr(of, name)}
    bounds = [form.format(limits[name]) for name, form in BOUNDS.items() if name in limits]
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if hasattr(annotation, "__metadata__"):
        return values(annotation.__origin__, (*metadata, *annotation.__metadata__))
    if annotation in (int, float, str, bool):
        name = {int: "integer", float: "number", str: "text", bool: "`true`, `false`"}[annotation]
        return " ".join([name, *bounds]).replace(f"< {2**32}", "< 2³²")
    if get_origin(annotation) is tuple:
        return f"[{', '.join('…' if of is Ellipsis else values(of) for of in get_args(annotation))}]"
    if get_origin(annotation) is dict:
        return "mapping"
    return " or ".join("empty" if of is type(None) else values(of) for of in get_args(annotation))


def flat(metadata: Any) -> Iterator[Any]:
    for of in metadata:
        yield from flat(of.metadata) if isinstance(of, FieldInfo) else (of,)


def default(field: FieldInfo, key: str) -> str:
    if key.endswith(".seed"):
        return "`seed`"
    if key.startswith("cluster.models."):
        return f"`{key.replace('models.MODEL.', '')}`"
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    return "empty" if value in (None, {}) else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def steps(key: str) -> str:
    """The steps that list a key in dvc.yaml, or a section that holds it."""
    stages = yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"]
    declared = {name: stage.get("do", stage).get("params", []) for name, stage in stages.items()}
    plain = key.replace(".NAME", ".${key}").replace(".MODEL", ".${key}")
    found = [name for name, keys in declared.items() if any(f"{plain}.".startswith(f"{one}.") for one in keys)]
    return ", ".join(f"`{name}`" for name in found) or "nothing"


def meanings(text: str) -> dict[str, str]:
    return dict(re.findall(r"^\| `([^`]+)` \| (.*?) \|", text, re.MULTILINE))


def table(known: dict[str, str]) -> str:
    rows = [
        [f"`{key}`", known.get(key, ""), values(field.annotation, field.metadata), default(field, key), steps(key)]
        for key, field in fields(Params)
    ]
    return HEADER + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def test_the_table_is_that_of_the_schema_and_dvc_yaml() -> None:
    text = DOCUMENT.read_text()
    known = meanings(text)
    assert table(known) in text, "run `python -m tests.test_parameters`"
    assert all(known.values()), f"say what they mean: {[key for key, meaning in known.items() if not meaning]}"
    assert set(known) == {key for key, _ in fields(Params)}


def test_params_yaml_leaves_out_defaults() -> None:
    text = (PROJECT / "params.yaml").read_text()
    assert "&" not in text, "the first -S would expand an anchor"
    for name in ("features", "models"):
        fields_of = get_args(Params.model_fields[name].annotation)[1].model_fields
        for entry, content in yaml.safe_load(text)[name].items():
            assert not [key for key, value in content.items() if value == fields_of[key].default], f"{name}.{entry}"


def test_params_yaml_holds_what_users_change_most() -> None:
    """So that a plain ``dvc exp run -S`` takes it."""
    params = yaml.safe_load((PROJECT / "params.yaml").read_text())
    assert {"dropout", "dense_units"} <= params["models"]["cnn"].keys()
    assert {"flip", "rotation"} <= params["models"]["augmented"].keys() & params["features"]["mobilenet_v2"].keys()
    assert all(params["train"][key] is not None for key in ("epochs", "learning_rate", "batch_size"))
    assert params["image_size"]


if __name__ == "__main__":
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(HEADER)
    after = rest[rest.index("\n\n") + 1 :]
    DOCUMENT.write_text(before + table(meanings(text)) + after)
