"""What OpenAPI says of bodies that FastAPI cannot describe by itself."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, WithJsonSchema, create_model

from services.ae_intake import records
from services.ae_intake.commands import Changes, Correct


def correction(kind: str, model: type[BaseModel]) -> type[Correct]:
    """`Correct` for one kind, described field by field; the handler names what does not fit."""
    schema = _inlined(model.model_json_schema(), model.model_json_schema().get("$defs", {}))
    fields = {name: one for name, one in schema["properties"].items() if records.may_correct(kind, name)}
    described = {"type": "object", "properties": fields, "additionalProperties": False}
    return create_model(
        f"Correct{kind.title()}",
        __base__=Correct,
        changes=(Annotated[Changes, WithJsonSchema(described)], ...),
    )


def body_of(model: type[Any]) -> dict[str, Any]:
    """The request body's schema inline, for a route that reads its bytes itself."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    definitions = schema.pop("$defs", {})
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": _inlined(schema, definitions)}}},
    }


def _inlined(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, dict):
        if "$ref" in node:
            name = str(node["$ref"]).rsplit("/", 1)[-1]
            rest = {key: value for key, value in node.items() if key != "$ref"}
            return _inlined(definitions[name], definitions) | rest
        return {key: _inlined(value, definitions) for key, value in node.items()}
    if isinstance(node, list):
        return [_inlined(one, definitions) for one in node]
    return node
