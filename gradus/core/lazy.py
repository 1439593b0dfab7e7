"""Packages whose names are imported when first used, so that importing the package is free."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def lazy(package: str, names: Mapping[str, str]) -> Callable[[str], Any]:
    """A module's `__getattr__` (PEP 562) for names that live in other modules.

    Args:
        package: the package's `__name__`.
        names: public name -> "submodule:attribute", the submodule relative to the package: a dot
            before it leads to the package above, as in an import.
    """

    def getattr_(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, attribute = names[name].split(":")
        return getattr(importlib.import_module(f".{module}", package), attribute)

    return getattr_
