"""A whole market on a matching engine: its past, its opening books, its traders, its record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TypeGuard

from crypto_ws_sync.simulator.market.asset_values import AssetValue
from crypto_ws_sync.simulator.market.block_trades import BlockTrades
from crypto_ws_sync.simulator.market.fair_price import FairPrice
from crypto_ws_sync.simulator.market.listings import Listing
from crypto_ws_sync.simulator.market.past import Past
from crypto_ws_sync.simulator.market.record import MarketRecord
from crypto_ws_sync.simulator.market.rows import BookTop
from crypto_ws_sync.simulator.market.summary import PublicTrade
from crypto_ws_sync.simulator.market.tickers import AVERAGE_MINUTES
from crypto_ws_sync.simulator.market.traders import Quote, SymbolTraders, SyntheticTraders, Take
from crypto_ws_sync.simulator.matching import (
    ArithmeticMean,
    CommissionRates,
    MatchingEngine,
    NewOrder,
    Outcome,
    PriceRange,
    Rejection,
    SymbolRules,
    parse_amount,
)

# The accounts of the synthetic traders: who bids, who offers, who takes. Clients have positive ids.
BIDDERS, OFFERERS, TAKERS = -1, -2, -3
# They never run out of anything: units of 1e-8 of each asset.
_MEANS = 10**12 * 10**8
_NO_FEES = CommissionRates(0, 0, 0, 0)
_MINUTE_US = 60_000_000


class SyntheticMarket:
    """Symbols with a past, books and traders on an engine of the caller's, and the record of what is traded.

    `records`, `block_trades` and `rules` have an entry for each symbol, in the order of the listings: its trades,
    its block trades, and the rules by which it was listed. Where a symbol does not trade, nobody here acts.
    `refused` counts what the engine did not accept of the synthetic traders (nothing, with the default listings).

    Owner: loop thread (of the simulated exchange).
    """

    def __init__(
        self, engine: MatchingEngine, listings: Sequence[Listing], *, seed: int, start_us: int
    ) -> None:
        """Add the listings to `engine`, with full books around the last prices of their past.

        The engine's trade ids go on from the past, and it remembers the trades its average prices need.
        """
        self._engine = engine
        self._start_us = start_us
        self.refused = 0
        assets = sorted({asset for each in listings for asset in (each.base_asset, each.quote_asset)})
        values = {asset: AssetValue(seed, asset) for asset in assets}
        for account_id in (BIDDERS, OFFERERS, TAKERS):
            engine.add_account(account_id, dict.fromkeys(assets, _MEANS), rates=_NO_FEES, is_observed=False)
        self._quotes: dict[tuple[str, bool, int], int] = {}
        records: dict[str, MarketRecord] = {}
        rules: dict[str, SymbolRules] = {}
        traders: list[SymbolTraders] = []
        blocks: dict[str, BlockTrades] = {}
        for listing in listings:
            base, quote = values[listing.base_asset], values[listing.quote_asset]
            past = Past(seed, listing, base, quote, start_us)
            records[listing.symbol] = record = MarketRecord(past)
            blocks[listing.symbol] = BlockTrades(seed, past, record)
            rules[listing.symbol] = SymbolRules.from_json(listing.as_exchange_info())
            last = record.last
            fair = FairPrice(base, quote, start_us, last.price if last is not None else None)
            self._open(listing, rules[listing.symbol], record, fair)
            traders.append(SymbolTraders(seed, past, fair))
            for opening in traders[-1].opening():
                self._place_quote(opening)
        self._traders = SyntheticTraders(traders)
        self._symbol_traders = {each.symbol: each for each in traders}
        self.records: Mapping[str, MarketRecord] = MappingProxyType(records)
        self.block_trades: Mapping[str, BlockTrades] = MappingProxyType(blocks)
        self.rules: Mapping[str, SymbolRules] = MappingProxyType(rules)

    @property
    def next_us(self) -> int:
        """When a synthetic trader acts next."""
        return self._traders.next_us

    def advance(self, now_us: int) -> Iterator[Outcome]:
        """Let the synthetic traders do what they do up to `now_us`; yield what touched a client, in order.

        Go through all of it before anything else is done with the engine, and call it before each request
        that reads or changes the market, with the request's time. Trades are recorded already.
        """
        for action in self._traders.due(now_us):
            if self._engine.rules(action.symbol).status != "TRADING":
                continue
            outcome = self._take(action) if isinstance(action, Take) else self._place_quote(action)
            if self._touched_clients(outcome):
                yield outcome

    def reopen(self, symbol: str, time_us: int) -> Iterator[Outcome]:
        """Let the synthetic traders quote anew on a symbol that trades again; yield what touched a client.

        Go through all of it, as with `advance`, which must have come up to this time.
        """
        quotes = self._symbol_traders[symbol].reopening(time_us)
        for quote in quotes:
            self._withdraw(quote)
        for quote in quotes:
            outcome = self._place_quote(quote)
            if self._touched_clients(outcome):
                yield outcome

    def _touched_clients(self, outcome: Outcome | None) -> TypeGuard[Outcome]:
        """Record the trades of an outcome, and tell whether a client has a part in it."""
        if outcome is None:
            return False
        if outcome.trades:
            self.record(outcome)
        return bool(outcome.events or outcome.first_fills)

    def record(self, outcome: Outcome) -> None:
        """Take the trades of a client's request into the record; once for every outcome of the engine's."""
        for trade in outcome.trades:
            _, number, price, quantity, quote, time_us, is_buyer_maker, buyer, seller = trade
            self.records[trade.symbol].add(
                PublicTrade(number, price, quantity, quote, time_us, is_buyer_maker),
                seller if is_buyer_maker else buyer,
            )

    def top(self, symbol: str) -> BookTop:
        """Return the best bid and ask, zeros for an empty side."""
        bid, ask = self._engine.best(symbol)
        return BookTop(*(bid or (0, 0)), *(ask or (0, 0)))

    def _open(self, listing: Listing, rules: SymbolRules, record: MarketRecord, fair: FairPrice) -> None:
        """Add a symbol to the engine, with the trades of its last minutes."""
        last = record.last
        self._engine.add_symbol(
            rules,
            last_price=last.price if last is not None else fair.at(self._start_us),
            first_trade_id=record.next_id,
        )
        if listing.price_range is not None:
            up, down = (parse_amount(f"{each:f}") for each in listing.price_range)
            self._engine.set_price_range(rules.symbol, PriceRange(up, down, up, down))
        if listing.mean_buckets is not None:
            count, width_ms = listing.mean_buckets
            self._engine.set_reference(rules.symbol, ArithmeticMean(count, width_ms * 1_000))
        window = self._start_us - 2 * AVERAGE_MINUTES * _MINUTE_US
        recent = record.trades(record.id_at(window), record.next_id)
        self._engine.remember_trades(
            rules.symbol, ((trade.time_us, trade.price, trade.quantity) for trade in recent)
        )

    def _place_quote(self, quote: Quote) -> Outcome | None:
        """Put an order into a slot of the book, instead of what rests there; None if it was refused."""
        self._withdraw(quote)
        account_id = BIDDERS if quote.is_buy else OFFERERS
        outcome = self._place(account_id, quote, f"quote{quote.slot}", "GTC")
        if outcome is not None:
            self._quotes[quote.symbol, quote.is_buy, quote.slot] = outcome.order.order_id
        return outcome

    def _withdraw(self, quote: Quote) -> None:
        """Cancel what rests in the slot of a quote."""
        account_id = BIDDERS if quote.is_buy else OFFERERS
        resting = self._quotes.get((quote.symbol, quote.is_buy, quote.slot))
        # By its number: an outcome's order is a copy if the quote has set off what waited for it.
        if resting in self._engine.desk(account_id, quote.symbol).open:
            self._engine.cancel(
                account_id,
                quote.symbol,
                quote.time_us,
                order_id=resting,
                new_client_order_id=f"quote{quote.slot}",
            )

    def _take(self, take: Take) -> Outcome | None:
        """Let a taker fill what it can; None if it was refused."""
        return self._place(TAKERS, take, "take", "IOC")

    def _place(self, account_id: int, action: Quote | Take, name: str, time_in_force: str) -> Outcome | None:
        """Place a synthetic trader's order; it may trade with every other one, so nothing is prevented.

        A listing of the caller's own may have filters that leave some quotes no room: those stay out.
        """
        new = NewOrder(
            action.symbol,
            "BUY" if action.is_buy else "SELL",
            "LIMIT",
            name,
            quantity=action.quantity,
            price=action.price,
            time_in_force=time_in_force,
            stp_mode="NONE",
        )
        try:
            return self._engine.place(account_id, new, action.time_us)
        except Rejection:
            self.refused += 1
            return None
