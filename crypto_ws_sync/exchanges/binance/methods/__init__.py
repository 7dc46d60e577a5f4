"""Every method of the exchange's API, written out with its types."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from crypto_ws_sync.exchanges.binance.methods.account import AccountMethods
from crypto_ws_sync.exchanges.binance.methods.authentication import AuthenticationMethods
from crypto_ws_sync.exchanges.binance.methods.catalogue import specs_of
from crypto_ws_sync.exchanges.binance.methods.general import GeneralMethods
from crypto_ws_sync.exchanges.binance.methods.market_data import MarketDataMethods
from crypto_ws_sync.exchanges.binance.methods.order_lists import OrderListMethods
from crypto_ws_sync.exchanges.binance.methods.sor import SorMethods
from crypto_ws_sync.exchanges.binance.methods.trading import TradingMethods
from crypto_ws_sync.exchanges.binance.methods.user_data_stream import UserDataStreamMethods
from crypto_ws_sync.protocol.method import MethodSpec

__all__ = ["CATALOGUE", "GROUPS", "BinanceMethods"]

GROUPS = (
    GeneralMethods,
    MarketDataMethods,
    AuthenticationMethods,
    TradingMethods,
    OrderListMethods,
    SorMethods,
    AccountMethods,
    UserDataStreamMethods,
)
"""The classes that hold the methods, in the order of the exchange's documents."""

CATALOGUE: Mapping[str, MethodSpec] = MappingProxyType(
    {spec.name: spec for group in GROUPS for spec in specs_of(group)}
)
"""The facts of every method, by its name on the wire."""


class BinanceMethods(
    GeneralMethods,
    MarketDataMethods,
    AuthenticationMethods,
    TradingMethods,
    OrderListMethods,
    SorMethods,
    AccountMethods,
    UserDataStreamMethods,
):
    """All methods of the exchange, for a class that can send a request."""

    __slots__ = ()
