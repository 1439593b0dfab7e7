"""Packages that come with an extra: imported where they are used, named where they are missing."""

import importlib
from types import ModuleType

from gradus.core.errors import UsageError


def extra(name: str, group: str) -> ModuleType:
    """A package of one of the project's extras.

    Args:
        name: of the module, such as `ale_py`.
        group: of the extra in pyproject.toml, such as `agents`.

    Raises:
        UsageError: it, or something that it needs, is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = (error.name or name).partition(".")[0]
        raise UsageError(f'{missing} is not installed: pip install "gradus-dl[{group}]"') from error
