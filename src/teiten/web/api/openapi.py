"""The API's own description (OpenAPI 3.1), made from what its addresses say of themselves."""

from __future__ import annotations

import functools
import json
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from teiten import __version__, answering, event, lang
from teiten.web.api import _forms, _shape
from teiten.web.api._shape import Address, Column, Word
from teiten.web.asked import Asked
from teiten.web.pool import Pool

_SCHEMAS: dict[str, dict[str, Any]] = {
    "int": {"type": "integer"}, "num": {"type": "number"}, "text": {"type": "string"}, "bool": {"type": "boolean"},
    "day": {"type": "string", "format": "date"}, "moment": {"type": "string", "format": "date-time"},
}  # fmt: skip
_FILES = {form: kind.partition(";")[0] for form, kind in _forms.TYPES.items()}


def described(limits: answering.Api | None = None, language: str = "en") -> dict[str, Any]:
    """The whole document; `limits`: those that hold (default: the usual ones)."""
    chosen = limits or answering.Api()
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {"Error": _ERROR}
    for one in _shape.found():
        paths[one.whole] = {"get": _operation(one, schemas, language)}
    words = {name: _parameter(name, "query", _limited(name, word, chosen), language) for name, word in _shape.words().items()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "teiten", "version": __version__, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": lang.words(language)("api.about"),
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": words,
            "responses": _responses(language),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }  # fmt: skip


def _limited(name: str, word: Word, limits: answering.Api) -> Word:
    return Word({**word.schema, "maximum": limits.rows}, word.example) if name == "n" else word


def _operation(one: Address, schemas: dict[str, Any], language: str) -> dict[str, Any]:
    say = lang.words(language)
    parameters = [_parameter(name, "path", word, language) for name, word in one.parts.items()]
    if one.root == _shape.ROOT:
        parameters += [{"$ref": f"#/components/parameters/{name}"} for name in _order(one)]
    else:
        parameters += [
            {"name": form, "in": "query", "allowEmptyValue": True, "description": say("api.dshield_form"),
             "schema": {"type": "string", "maxLength": 0}, **({"example": ""} if form == "json" else {})}
            for form in one.words
        ]  # fmt: skip
    answers: dict[str, Any] = {
        "200": {"description": say(f"api_address.{one.key}"), "headers": _HEADERS, "content": _content(one, schemas, language)},
    }
    for status, name in STATUSES.items():
        if status != "404" or one.parts or "set" in one.words:
            answers[status] = {"$ref": f"#/components/responses/{name}"}
    return {
        "operationId": one.name, "tags": [_tag(one)], "summary": say(f"api_address.{one.key}"),
        "parameters": parameters, "responses": answers,
    }  # fmt: skip


def _order(one: Address) -> list[str]:
    """The words of its query, as they are listed everywhere."""
    can = _shape.known(one)
    return [name for name in _shape.words() if name in can]


def _tag(one: Address) -> str:
    return "dshield" if one.root != _shape.ROOT else one.path.strip("/").split("/")[0]


def _parameter(name: str, place: str, word: Word, language: str) -> dict[str, Any]:
    meaning = lang.words(language)(f"api_word.{name}")
    return {
        "name": name, "in": place, "required": place == "path", "description": meaning, "schema": dict(word.schema),
        "example": word.example,
    }  # fmt: skip


def _content(one: Address, schemas: dict[str, Any], language: str) -> dict[str, Any]:
    if one.other is not None:
        kind, schema = one.other
        more: dict[str, Any] = {"text/xml": {}, "text/plain": {}} if one.root != _shape.ROOT else {}
        if "format" in one.words:
            more |= {kind: {} for form, kind in _FILES.items() if form != "json"}
        return {kind: {"schema": dict(schema)}, **more}
    name = "".join(part.capitalize() for part in one.name.split("_")) + "Row"
    schemas[name] = row(one, language)
    content: dict[str, Any] = {_FILES["json"]: {"schema": {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}}}
    return content | {kind: {} for form, kind in _FILES.items() if form != "json"}


def row(one: Address, language: str) -> dict[str, Any]:
    """The schema of its rows."""
    return {
        "type": "object",
        "required": [column.name for column in one.columns],
        "additionalProperties": False,
        "properties": {column.name: _property(column, language) for column in (*one.columns, *one.more)},
    }


def _property(column: Column, language: str) -> dict[str, Any]:
    schema = dict(_SCHEMAS[column.kind])
    if column.null:
        schema["type"] = [schema["type"], "null"]
    return {**schema, "description": meaning(column, language)}


def meaning(column: Column, language: str) -> str:
    """What a column means."""
    told = column.ja if language == "ja" else column.en
    words, key = lang.words(language), f"api_column.{column.name}"
    if told or key in words:
        return told or words(key)
    same = event.BY_NAME[column.name]
    return same.ja if language == "ja" else same.en


_ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["error", "hint"],
    "additionalProperties": False,
    "properties": {"error": {"type": "string"}, "hint": {"type": ["string", "null"]}},
}
STATUSES = {
    "304": "Same", "400": "Wrong", "401": "Unknown", "403": "Forbidden", "404": "Nothing", "429": "TooMany", "503": "NotNow",
}  # fmt: skip
_HEADERS: dict[str, Any] = {
    "ETag": {"schema": {"type": "string"}},
    "Link": {"schema": {"type": "string"}},
    "X-RateLimit-Limit": {"schema": {"type": "integer"}},
    "X-RateLimit-Remaining": {"schema": {"type": "integer"}},
}


def _responses(language: str) -> dict[str, Any]:
    say = lang.words(language)
    wrong = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    again = {"Retry-After": {"schema": {"type": "integer"}}}
    out: dict[str, Any] = {}
    for status, name in STATUSES.items():
        out[name] = {"description": say(f"api.status_{status}")}
        if status != "304":
            out[name]["content"] = wrong
        if status in ("429", "503"):
            out[name]["headers"] = again
    return out


@functools.cache
def _document(limits: answering.Api, language: str) -> bytes:
    return json.dumps(described(limits, language), ensure_ascii=False).encode()


async def openapi(request: Request, asked: Asked, pool: Pool) -> Response:
    return _forms.whole(request, _document(asked.settings.api, asked.lang), "application/json")


def grouped() -> dict[str, list[Address]]:
    """The addresses by what they are about, for people: those that differ in one name alone stand as one."""
    out: dict[str, list[Address]] = {name: [] for name in _FIRST}
    for one in _shape.found():
        out.setdefault(_tag(one), []).append(one)
    return out


_FIRST = ("rank", "series", "totals", "events", "sources", "detections", "stories", "verdicts", "watchlists", "notes")
"""what people are shown first"""


def shown(path: str) -> str:
    """A path as people read it."""
    return re.sub(r"\{(\w+)\}", lambda found: found[1].upper(), path)


ADDRESSES = [
    Address(
        "/openapi.json", "openapi", openapi, other=("application/json", {"type": "object", "required": ["openapi", "paths"]})
    )
]
