"""The shapes of the exchange's results and events.

Numbers that are money or rates come as text, so that no digit is lost; times are epoch milliseconds, or
microseconds where the session asks for them. The exchange adds fields without notice: what is not named here
passes through. A field that is there in some cases only is not required; which cases stands at the class.

Annotations name them as `replies.PlacedOrder`: no answer needs its shape, so they are loaded when somebody reads one.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crypto_ws_sync.exchanges.binance.replies.account import *  # noqa: F403  # each says what it gives
    from crypto_ws_sync.exchanges.binance.replies.events import *  # noqa: F403  # each says what it gives
    from crypto_ws_sync.exchanges.binance.replies.market_data import *  # noqa: F403  # each says what it gives
    from crypto_ws_sync.exchanges.binance.replies.orders import *  # noqa: F403  # each says what it gives
else:

    def __getattr__(name: str) -> object:
        """Return a shape by its name, from whichever module has it."""
        if not name[:1].isupper():
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        for group in ("orders", "account", "market_data", "events"):
            found = getattr(import_module(f"{__name__}.{group}"), name, None)
            if found is not None:
                return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
