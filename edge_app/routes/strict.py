"""Nothing misspelt passes: unknown query options and JSON keys are errors that name the nearest known one."""

import difflib
from typing import Any, Dict, Iterable, List, Optional, Sequence, Type

from fastapi import Request
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException


class Input(BaseModel):
    """A JSON body: frozen, finite numbers, no unknown keys."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, extra="forbid", protected_namespaces=())


async def known_query(request: Request) -> None:
    """Refuse query options that the route does not take, and those given twice that it takes once."""
    takes = _query_of(request.scope["route"].dependant)
    for name in request.query_params:
        if name not in takes:
            raise HTTPException(422, unknown_name("query option", name, takes))
        values = request.query_params.getlist(name)
        if len(values) > 1 and not takes[name]:
            raise HTTPException(422, f"query option {name!r} is given {len(values)} times; give it once")


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """Return the sentence about a name that is not one of `known`."""
    names = sorted(known)
    if not names:
        return f"{kind} {name[:40]!r} is not known; there are none here"
    near = difflib.get_close_matches(name[:40], names, n=1, cutoff=0.0)
    return f"{kind} {name[:40]!r} is not known; did you mean {near[0]!r}? Known are {', '.join(names)}"


def _query_of(dependant: Any) -> Dict[str, bool]:
    """Return the query options of a route and of what it depends on, and whether each may be repeated."""
    options = {field.alias: _is_list(field.field_info.annotation) for field in dependant.query_params}
    for inner in dependant.dependencies:
        options.update(_query_of(inner))
    return options


def _is_list(annotation: Any) -> bool:
    arguments = getattr(annotation, "__args__", ())
    return getattr(annotation, "__origin__", None) in (list, List) or any(map(_is_list, arguments))


def unknown_key(model: Any, place: Sequence[Any]) -> str:
    """Return the sentence about a JSON key that `model` does not have at `place`, the path to it."""
    for part in place[:-1]:
        field = getattr(model, "model_fields", {}).get(part)
        model = None if field is None else _model_in(field.annotation)
    name, fields = str(place[-1]), getattr(model, "model_fields", {})
    return unknown_name("key", name, fields) if fields else f"key {name[:40]!r} is not known"


def _model_in(annotation: Any) -> Optional[Type[BaseModel]]:
    """Return the record that a field holds, through Optional."""
    for each in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(each, type) and issubclass(each, BaseModel):
            return each
    return None
