"""Rules that compute what a request costs from its wire parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["ByLimit", "ByParam", "BySymbols", "Case", "by_limit", "by_param", "by_symbols"]


class ByLimit:
    """Weight by the length of the page asked for.

    Attributes:
        default: Length that counts where none is given.
        steps: Pairs of the longest length and its weight, ascending.
    """

    __slots__ = ("default", "steps")

    def __init__(self, default: int, steps: tuple[tuple[int, int], ...]) -> None:
        self.default = default
        self.steps = steps

    def __call__(self, params: Mapping[str, Any]) -> int:
        """Return the weight of the first step that is long enough, of the last for anything longer."""
        try:
            limit = int(params.get("limit") or self.default)
        except (TypeError, ValueError, OverflowError):
            return self.steps[-1][1]
        for top, weight in self.steps:
            if limit <= top:
                return weight
        return self.steps[-1][1]

    def __str__(self) -> str:
        return "by limit: " + ", ".join(f"up to {top} {weight}" for top, weight in self.steps)


class BySymbols:
    """Weight by how many symbols are asked for.

    Attributes:
        symbol: Weight with `symbol`.
        none: Weight with neither `symbol` nor `symbols`; None where such a request is refused.
        steps: Pairs of the largest number of symbols and its weight, ascending.
        per: Weight of each symbol beyond the steps, up to `cap`.
        cap: Most that `per` can come to.
        over: Weight beyond the steps where there is no `per`.
    """

    __slots__ = ("cap", "none", "over", "per", "steps", "symbol")

    def __init__(
        self,
        symbol: int,
        none: int | None = None,
        steps: tuple[tuple[int, int], ...] = (),
        per: int | None = None,
        cap: int | None = None,
        over: int | None = None,
    ) -> None:
        self.symbol = symbol
        self.none = none
        self.steps = steps
        self.per = per
        self.cap = cap
        self.over = over

    def __call__(self, params: Mapping[str, Any]) -> int:
        """Return the weight; the highest where the symbols cannot be counted."""
        if "symbol" in params:
            return self.symbol
        symbols = params.get("symbols")
        if symbols is None:
            return self._most() if self.none is None else self.none
        if isinstance(symbols, list | tuple):
            number = len(symbols)
        elif isinstance(symbols, str):
            number = symbols.count(",") + 1
        else:
            return self._most()
        for top, weight in self.steps:
            if number <= top:
                return weight
        if self.per is not None:
            return self.per * number if self.cap is None else min(self.per * number, self.cap)
        return self._most()

    def _most(self) -> int:
        return max(self.symbol, self.none or 0, self.cap or 0, self.over or 0, *(w for _, w in self.steps))

    def __str__(self) -> str:
        parts = [f"symbol {self.symbol}", *(f"up to {top} symbols {weight}" for top, weight in self.steps)]
        if self.per is not None:
            parts.append(f"{self.per} a symbol" + ("" if self.cap is None else f", at most {self.cap}"))
        if self.over is not None:
            parts.append(f"{'more' if self.steps else 'symbols'} {self.over}")
        if self.none is not None:
            parts.append(f"neither {self.none}")
        return "; ".join(parts)


class Case(NamedTuple):
    """A weight that holds where a parameter is present, or has a value.

    Attributes:
        param: The parameter's wire name.
        weight: The weight.
        is_flag: It must also be true.
    """

    param: str
    weight: int
    is_flag: bool = False


class ByParam:
    """Weight by which parameters are present.

    Attributes:
        cases: The first that holds counts.
        otherwise: Weight where none holds.
    """

    __slots__ = ("cases", "otherwise")

    def __init__(self, cases: tuple[Case, ...], otherwise: int) -> None:
        self.cases = cases
        self.otherwise = otherwise

    def __call__(self, params: Mapping[str, Any]) -> int:
        """Return the weight of the first case that holds."""
        for case in self.cases:
            if case.param in params and (not case.is_flag or params[case.param] in (True, "true")):
                return case.weight
        return self.otherwise

    def __str__(self) -> str:
        return "; ".join(
            [*(f"with {case.param} {case.weight}" for case in self.cases), f"else {self.otherwise}"]
        )


def by_limit(default: int, *steps: tuple[int, int]) -> ByLimit:
    """Return a weight that grows with `limit`."""
    return ByLimit(default, steps)


def by_symbols(
    symbol: int,
    *steps: tuple[int, int],
    per: int | None = None,
    cap: int | None = None,
    over: int | None = None,
    none: int | None = None,
) -> BySymbols:
    """Return a weight that depends on `symbol` and `symbols`."""
    return BySymbols(symbol, none, steps, per, cap, over)


def by_param(otherwise: int, *cases: Case) -> ByParam:
    """Return a weight that depends on which parameters are present."""
    return ByParam(cases, otherwise)
