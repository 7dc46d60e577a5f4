"""Frozen values: no input or output, no clock, no threads."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crypto_ws_sync.model import status as status

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Return a module of this package: annotations name theirs in full, and are read when somebody asks."""
        module = f"{__name__}.{name}"
        try:
            if not name.startswith("_"):
                return import_module(module)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
