"""What the account holds, has ordered and has traded."""

from __future__ import annotations

from crypto_ws_sync.exchanges.binance import replies
from crypto_ws_sync.exchanges.binance.methods.catalogue import Time, TypedCalls, method
from crypto_ws_sync.exchanges.binance.methods.rules import at_least_one, excludes, one_of_combinations
from crypto_ws_sync.exchanges.binance.methods.weights import Case, by_param, by_symbols
from crypto_ws_sync.model.numbers import Number
from crypto_ws_sync.protocol.method import HistoryRule, Security

__all__ = ["AccountMethods"]

DAY_MS = 86_400_000
"""Longest span of one request for history."""


class AccountMethods(TypedCalls):
    """What the account holds, has ordered and has traded."""

    __slots__ = ()

    @method("account.status", security=Security.USER_DATA, weight=20)
    def account_status(
        self,
        *,
        omit_zero_balances: bool | None = None,
        recv_window: Number | None = None,
        timeout: float | None = None,
    ) -> replies.AccountStatus:
        """Return the account's flags, commission rates and balances.

        Read from a cache: it may trail an order by a moment.

        Args:
            omit_zero_balances: True leaves out assets of which nothing is held.
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.

        Cost: weight 20. Source: Binance WS API docs, 'account.status'.
        """
        return self._ask(AccountMethods.account_status, locals())

    @method(
        "order.status",
        security=Security.USER_DATA,
        weight=4,
        rules=(at_least_one("orderId", "origClientOrderId"),),
    )
    def order_status(
        self,
        *,
        symbol: str,
        order_id: int | None = None,
        orig_client_order_id: str | None = None,
        recv_window: Number | None = None,
        timeout: float | None = None,
    ) -> replies.OrderState:
        """Return one order as the exchange knows it now.

        Name the order by `order_id`, by `orig_client_order_id`, or by both. Read from a cache: an order
        placed this moment may not be there yet.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            order_id: The exchange's id of the order.
            orig_client_order_id: Your id of the order; with `order_id` it must be that order's.
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            InvalidParameter: Parameters are missing or contradict each other; nothing was sent.
            NotFound: No order has this id (or it ended unfilled over 90 days ago and is archived).
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.

        Cost: weight 4. Source: Binance WS API docs, 'order.status'.
        """
        return self._ask(AccountMethods.order_status, locals())

    @method("openOrders.status", security=Security.USER_DATA, weight=by_symbols(6, none=80))
    def open_orders_status(
        self, *, symbol: str | None = None, recv_window: Number | None = None, timeout: float | None = None
    ) -> list[replies.OrderState]:
        """Return the open orders, of one symbol or of all.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.

        Cost: weight 6 for one symbol, 80 for all. Source: Binance WS API docs, 'openOrders.status'.
        """
        return self._ask(AccountMethods.open_orders_status, locals())

    @method(
        "allOrders",
        security=Security.USER_DATA,
        weight=20,
        history=HistoryRule(
            id_param="orderId",
            id_field="orderId",
            time_field="updateTime",
            has_times=True,
            max_window_ms=DAY_MS,
            open_method="openOrders.status",
            created_field="time",
        ),
    )
    def all_orders(
        self,
        *,
        symbol: str,
        order_id: int | None = None,
        start_time: Time | None = None,
        end_time: Time | None = None,
        limit: int | None = None,
        recv_window: Number | None = None,
        timeout: float | None = None,
    ) -> list[replies.OrderState]:
        """Return orders of a symbol in any state, oldest first; the latest where nothing is given.

        The exchange ignores `order_id` beside a time, and times are those of the last update. Times are at
        most 24 hours apart. `history("allOrders", ...)` pages through all.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            order_id: First id to return, inclusive.
            start_time: Oldest moment to return, inclusive: milliseconds, or an aware datetime.
            end_time: Newest moment to return: milliseconds, or an aware datetime.
            limit: Length of the page, 500 by default, at most 1000.
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.

        Cost: weight 20. Source: Binance WS API docs, 'allOrders'.
        """
        return self._ask(AccountMethods.all_orders, locals())

    @method(
        "orderList.status",
        security=Security.USER_DATA,
        weight=4,
        rules=(at_least_one("origClientOrderId", "orderListId"),),
    )
    def order_list_status(
        self,
        *,
        orig_client_order_id: str | None = None,
        order_list_id: int | None = None,
        recv_window: Number | None = None,
        timeout: float | None = None,
    ) -> replies.OrderList:
        """Return one order list as the exchange knows it now.

        Name the list by either id; your own wins where both are given.

        Args:
            orig_client_order_id: Your id of the list (its `listClientOrderId`).
            order_list_id: The exchange's id of the list; ignored beside the other.
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            InvalidParameter: Parameters are missing or contradict each other; nothing was sent.
            NotFound: No list has this id.
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.

        Cost: weight 4. Source: Binance WS API docs, 'orderList.status'.
        """
        return self._ask(AccountMethods.order_list_status, locals())

    @method("openOrderLists.status", security=Security.USER_DATA, weight=6)
    def open_order_lists_status(
        self, *, recv_window: Number | None = None, timeout: float | None = None
    ) -> list[replies.OrderList]:
        """Return the open order lists.

        Args:
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.

        Cost: weight 6. Source: Binance WS API docs, 'openOrderLists.status'.
        """
        return self._ask(AccountMethods.open_order_lists_status, locals())

    @method(
        "allOrderLists",
        security=Security.USER_DATA,
        weight=20,
        history=HistoryRule(
            id_param="fromId",
            id_field="orderListId",
            time_field="transactionTime",
            has_times=True,
            max_window_ms=DAY_MS,
            open_method="openOrderLists.status",
        ),
    )
    def all_order_lists(
        self,
        *,
        from_id: int | None = None,
        start_time: Time | None = None,
        end_time: Time | None = None,
        limit: int | None = None,
        recv_window: Number | None = None,
        timeout: float | None = None,
    ) -> list[replies.OrderList]:
        """Return order lists in any state, oldest first; the latest where nothing is given.

        The exchange ignores `from_id` beside a time. Times are at most 24 hours apart.
        `history("allOrderLists", ...)` pages through all.

        Args:
            from_id: First id to return, inclusive.
            start_time: Oldest moment to return, inclusive: milliseconds, or an aware datetime.
            end_time: Newest moment to return: milliseconds, or an aware datetime.
            limit: Length of the page, 500 by default, at most 1000.
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.

        Cost: weight 20. Source: Binance WS API docs, 'allOrderLists'.
        """
        return self._ask(AccountMethods.all_order_lists, locals())

    @method(
        "myTrades",
        security=Security.USER_DATA,
        weight=by_param(20, Case("orderId", 5)),
        rules=(
            excludes("fromId", "startTime", "endTime"),
            excludes("orderId", "startTime", "endTime"),
        ),
        history=HistoryRule(
            id_param="fromId", id_field="id", time_field="time", has_times=True, max_window_ms=DAY_MS
        ),
    )
    def my_trades(
        self,
        *,
        symbol: str,
        order_id: int | None = None,
        start_time: Time | None = None,
        end_time: Time | None = None,
        from_id: int | None = None,
        limit: int | None = None,
        recv_window: Number | None = None,
        timeout: float | None = None,
    ) -> list[replies.OwnTrade]:
        """Return the account's trades on a symbol, oldest first; the latest where nothing is given.

        Prices in quote asset, quantities in base asset, commissions in `commissionAsset`. Times are at most
        24 hours apart. `history("myTrades", ...)` pages through all.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            order_id: Only trades of this order; not beside a time.
            start_time: Oldest moment to return, inclusive: milliseconds, or an aware datetime.
            end_time: Newest moment to return: milliseconds, or an aware datetime.
            from_id: First id to return, inclusive; not beside a time.
            limit: Length of the page, 500 by default, at most 1000.
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            InvalidParameter: Parameters are missing or contradict each other; nothing was sent.
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.

        Cost: weight 20; 5 with `order_id`. Source: Binance WS API docs, 'myTrades'.
        """
        return self._ask(AccountMethods.my_trades, locals())

    @method("account.rateLimits.orders", security=Security.USER_DATA, weight=40)
    def account_rate_limits_orders(
        self, *, recv_window: Number | None = None, timeout: float | None = None
    ) -> list[replies.OrderCount]:
        """Return how many unfilled orders count in each window now.

        The session asks for this itself where it needs it: `status()` shows what it knows without cost.

        Args:
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.

        Cost: weight 40. Source: Binance WS API docs, 'account.rateLimits.orders'.
        """
        return self._ask(AccountMethods.account_rate_limits_orders, locals())

    @method(
        "myPreventedMatches",
        security=Security.USER_DATA,
        weight=by_param(2, Case("preventedMatchId", 2), Case("orderId", 20)),
        rules=(one_of_combinations("preventedMatchId", "orderId", "orderId fromPreventedMatchId"),),
        history=HistoryRule(
            id_param="fromPreventedMatchId", id_field="preventedMatchId", id_needs=("orderId",)
        ),
    )
    def my_prevented_matches(
        self,
        *,
        symbol: str,
        prevented_match_id: int | None = None,
        order_id: int | None = None,
        from_prevented_match_id: int | None = None,
        limit: int | None = None,
        recv_window: Number | None = None,
        timeout: float | None = None,
    ) -> list[replies.PreventedMatch]:
        """Return matches that self-trade prevention stopped, of one order or by id.

        Ask by `prevented_match_id`, or by `order_id`, with `from_prevented_match_id` to page on.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            prevented_match_id: Id of one prevented match.
            order_id: Only matches of this order.
            from_prevented_match_id: First id to return, inclusive; only together with `order_id`.
            limit: Length of the page, 500 by default, at most 1000.
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            InvalidParameter: Parameters are missing or contradict each other; nothing was sent.
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.

        Cost: weight 2 by `prevented_match_id`, 20 by `order_id`. Source: Binance WS API docs,
        'myPreventedMatches'.
        """
        return self._ask(AccountMethods.my_prevented_matches, locals())

    @method(
        "myAllocations",
        security=Security.USER_DATA,
        weight=20,
        rules=(
            one_of_combinations(
                "",
                "startTime",
                "endTime",
                "startTime endTime",
                "fromAllocationId",
                "orderId",
                "orderId fromAllocationId",
            ),
        ),
        history=HistoryRule(
            id_param="fromAllocationId",
            id_field="allocationId",
            time_field="time",
            has_times=True,
            max_window_ms=DAY_MS,
        ),
    )
    def my_allocations(
        self,
        *,
        symbol: str,
        start_time: Time | None = None,
        end_time: Time | None = None,
        from_allocation_id: int | None = None,
        limit: int | None = None,
        order_id: int | None = None,
        recv_window: Number | None = None,
        timeout: float | None = None,
    ) -> list[replies.Allocation]:
        """Return fills that smart order routing brought from other books, oldest first.

        Ask by times, by `from_allocation_id`, or by `order_id` with or without it. Times are at most 24 hours
        apart.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            start_time: Oldest moment to return, inclusive: milliseconds, or an aware datetime.
            end_time: Newest moment to return: milliseconds, or an aware datetime.
            from_allocation_id: First id to return, inclusive.
            limit: Length of the page, 500 by default, at most 1000.
            order_id: Only allocations of this order.
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            InvalidParameter: Parameters are missing or contradict each other; nothing was sent.
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.

        Cost: weight 20. Source: Binance WS API docs, 'myAllocations'.
        """
        return self._ask(AccountMethods.my_allocations, locals())

    @method("account.commission", security=Security.USER_DATA, weight=20)
    def account_commission(
        self, *, symbol: str, recv_window: Number | None = None, timeout: float | None = None
    ) -> replies.AccountCommission:
        """Return the account's commission rates on a symbol.

        Rates are fractions of what is received: standard, special and tax apart; the discount is on the
        standard part.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.

        Cost: weight 20. Source: Binance WS API docs, 'account.commission'.
        """
        return self._ask(AccountMethods.account_commission, locals())

    @method(
        "order.amendments",
        security=Security.USER_DATA,
        weight=4,
        history=HistoryRule(id_param="fromExecutionId", id_field="executionId"),
    )
    def order_amendments(
        self,
        *,
        symbol: str,
        order_id: int,
        from_execution_id: int | None = None,
        limit: int | None = None,
        recv_window: Number | None = None,
        timeout: float | None = None,
    ) -> list[replies.Amendment]:
        """Return the amendments of one order, oldest first.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            order_id: The exchange's id of the order.
            from_execution_id: First id to return, inclusive.
            limit: Length of the page, 500 by default, at most 1000.
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.

        Cost: weight 4. Source: Binance WS API docs, 'order.amendments'.
        """
        return self._ask(AccountMethods.order_amendments, locals())

    @method("myFilters", security=Security.USER_DATA, weight=40)
    def my_filters(
        self, *, symbol: str, recv_window: Number | None = None, timeout: float | None = None
    ) -> replies.AccountFilters:
        """Return the filters that bind the account on a symbol.

        Also such as `exchange_info()` does not show, like MAX_ASSET.

        Args:
            symbol: Trading pair in the exchange's spelling, such as "BTCUSDT".
            recv_window: Milliseconds for which the request stays valid, up to 60000; the session's by
                default.
            timeout: Seconds for all of it; the session's by default.

        Raises:
            AuthError: Key, permission or signature refused; check the key's rights and its addresses.
            OutOfService: Held back by a limit or a ban until `retry_at`; nothing was sent.
            RequestTimeout: No answer within `timeout`; asking again is safe.

        Cost: weight 40. Source: Binance WS API docs, 'myFilters'.
        """
        return self._ask(AccountMethods.my_filters, locals())
