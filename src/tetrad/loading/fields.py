"""The keys of a component, wherever `extends` took them from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tetrad.errors import Issue, Location
from tetrad.yamldoc.parse import Document, Path, json_path


@dataclass(frozen=True)
class Fields:
    """A component's plain keys, each with the document that gives it."""

    ref: str
    document: Document
    values: Mapping[str, Any]
    given_by: Mapping[str, Document]

    @classmethod
    def of(cls, document: Document, ref: str) -> Fields:
        values = document.value
        return cls(ref, document, values, dict.fromkeys(values, document))

    def over(self, base: Fields) -> Fields:
        """These keys, and those of the base that are not given here."""
        values = {**base.values, **self.values}
        return Fields(self.ref, self.document, values, {**base.given_by, **self.given_by})

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    def value(self, path: Path) -> Any:
        """The value at a path that is there."""
        value: Any = self.values
        for step in path:
            value = value[step]
        return value

    def text(self, key: str) -> str:
        value: str = self.values.get(key, "")
        return value

    @property
    def location(self) -> Location:
        return self.document.at(())

    def source(self, path: Path) -> Document:
        """The document that gives the value at a path."""
        return self.given_by.get(str(path[0]), self.document) if path else self.document

    def at(self, path: Path) -> Location:
        return self.source(path).at(path)

    def issue(
        self,
        path: Path,
        message: str,
        hint: str = "",
        *,
        code: str = "SCH104",
        at_key: bool = False,
    ) -> Issue:
        document = self.source(path)
        location = document.key_at(path) if at_key else document.at(path)
        return Issue(location=location, message=message, hint=hint, code=code, path=json_path(path))
