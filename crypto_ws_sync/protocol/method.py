"""What is known of one method of an exchange, and one request made with it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

__all__ = [
    "Charge",
    "Check",
    "HistoryRule",
    "Kind",
    "MethodSpec",
    "Parameter",
    "Params",
    "Request",
    "Security",
    "Weight",
]

Params: TypeAlias = dict[str, Any]
"""Parameters as they go on the wire: exchange's names; text, int, bool or list values."""

Weight: TypeAlias = int | Callable[[Mapping[str, Any]], int]
"""A number, or a rule that computes one from the wire parameters."""


Check: TypeAlias = Callable[[Mapping[str, Any]], None]
"""Refuses wire parameters that certainly cannot be right, by raising InvalidParameter."""

_READ_LATER = frozenset(("check", "names", "parameters"))


class Security(enum.Enum):
    """What a method asks of its caller."""

    NONE = "NONE"
    TRADE = "TRADE"
    USER_DATA = "USER_DATA"
    USER_STREAM = "USER_STREAM"
    SIGNED = "SIGNED"
    """A valid signature is enough: no permission of the key is asked for."""


class Kind(enum.Enum):
    """What repeating a request would do."""

    READ = "read"
    WRITE = "write"
    CONNECTION = "connection"
    """Changes only this connection's own state (log-on, subscriptions): repeated as it is."""


class Charge(NamedTuple):
    """What one request, or one connection, takes from the limits before it is sent."""

    weight: int
    orders: int = 0
    connections: int = 0


class Parameter(NamedTuple):
    """One parameter of a method.

    Attributes:
        name: Name in Python, such as "time_in_force".
        wire: The exchange's name, such as "timeInForce".
        is_required: The exchange refuses every request without it.
        annotation: Its type as source text.
    """

    name: str
    wire: str
    is_required: bool
    annotation: str


class HistoryRule(NamedTuple):
    """How a method's history is paged.

    Attributes:
        id_param: Parameter that takes the first id of a page, inclusive; None where there is none.
        id_field: Field of a record that holds this id.
        time_field: Field of a record that holds its time; None where time cannot be asked for. In records
            that are lists it is the position, as text in brackets: "[0]".
        has_times: startTime and endTime are taken.
        max_window_ms: Widest span of one request in milliseconds; None where none is stated.
        page_param: Parameter that takes the page's length.
        page_default: Length of a page where none is asked for.
        page_max: Longest page.
        id_needs: Parameters without which the id cannot be asked for.
        is_time_unique: No two records share a time.
        open_method: Method that tells the records whose time may still change; None where a record's time
            never changes.
        created_field: Field of a record that holds the time it was made, where `time_field` is another.
    """

    id_param: str | None = None
    id_field: str | None = None
    time_field: str | None = None
    has_times: bool = False
    max_window_ms: int | None = None
    page_param: str = "limit"
    page_default: int = 500
    page_max: int = 1000
    id_needs: tuple[str, ...] = ()
    is_time_unique: bool = False
    open_method: str | None = None
    created_field: str | None = None


class MethodSpec:
    """The facts of one method; never changed once made.

    Written out, as are `Request` and others that many are made of: what makes a class from its fields takes a hundred
    times as long to define it, at every start of a program.

    Attributes:
        name: Name on the wire, without a version prefix, such as "order.place".
        security: What the exchange asks for.
        is_signed: A timestamp and, unless the connection is logged on, key and signature go with it.
        is_always_signed: Key and signature go with it on a logged-on connection, too.
        weight: Charged if it fails, and for reads always.
        weight_on_success: Charged instead if it succeeds; None where that is the same.
        orders: Unfilled orders that it adds to the account's count.
        kind: Read, write, or a change of the connection's own state.
        settles_by: Wire name of the method that tells a lost answer's outcome; None where there is none.
        check: Refuses parameters that certainly cannot be right, by raising InvalidParameter; None: there is none.
        is_deprecated: The exchange may withdraw it.
        is_known: The catalogue has it; False for a name that it does not know.
        needs_log_on: It is answered on a logged-on connection only.
        history: How its history is paged; None where it has none.
        python_name: Name of the typed method, such as "order_place".
        parameters: Its parameters in the order of the signature, without apiKey, timestamp and signature.
        names: Pairs of a parameter's name in Python and the exchange's.
        fixed_charge: What every request takes from the limits; None where that depends on its parameters.
        fixed_spent: What every successful request took of that; None where it is all of it, or depends on something.
    """

    check: Check | None
    names: tuple[tuple[str, str], ...]
    parameters: tuple[Parameter, ...]

    __slots__ = (
        "_read",
        "check",
        "fixed_charge",
        "fixed_spent",
        "history",
        "is_always_signed",
        "is_deprecated",
        "is_known",
        "is_signed",
        "kind",
        "name",
        "names",
        "needs_log_on",
        "orders",
        "parameters",
        "python_name",
        "security",
        "settles_by",
        "weight",
        "weight_on_success",
    )

    def __init__(
        self,
        name: str,
        security: Security = Security.NONE,
        is_signed: bool = False,
        is_always_signed: bool = False,
        weight: Weight = 1,
        weight_on_success: Weight | None = None,
        orders: int = 0,
        kind: Kind = Kind.READ,
        settles_by: str | None = None,
        is_deprecated: bool = False,
        is_known: bool = True,
        needs_log_on: bool = False,
        history: HistoryRule | None = None,
        python_name: str = "",
        read: Callable[[], tuple[tuple[Parameter, ...], Check | None]] = lambda: ((), None),
    ) -> None:
        self.name = name
        self.security = security
        self.is_signed = is_signed
        self.is_always_signed = is_always_signed
        self.weight = weight
        self.weight_on_success = weight_on_success
        self.orders = orders
        self.kind = kind
        self.settles_by = settles_by
        self.is_deprecated = is_deprecated
        self.is_known = is_known
        self.needs_log_on = needs_log_on
        self.history = history
        self.python_name = python_name
        self._read = read
        self.fixed_charge = Charge(weight, orders) if isinstance(weight, int) else None
        self.fixed_spent = Charge(weight_on_success, orders) if isinstance(weight_on_success, int) else None

    def __repr__(self) -> str:
        return f"<MethodSpec {self.name}>"

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Read parameters and check when one is asked for first: of most methods nobody does in a program."""
            if name not in _READ_LATER:
                raise AttributeError(f"a MethodSpec has no {name!r}", name=name, obj=self)
            parameters, self.check = self._read()
            self.names = tuple((parameter.name, parameter.wire) for parameter in parameters)
            self.parameters = parameters
            return getattr(self, name)

    def charge(self, params: Mapping[str, Any]) -> Charge:
        """Return what a request with these wire parameters takes from the limits."""
        if self.fixed_charge is not None:
            return self.fixed_charge
        weight = self.weight
        return Charge(weight if isinstance(weight, int) else weight(params), self.orders)


class Request:
    """One request, ready but for its id, timestamp and signature; never changed once made.

    Attributes:
        spec: The method's facts.
        method: Name as it goes on the wire (a version prefix kept).
        params: Rendered parameters without apiKey, timestamp and signature, unless the caller gave them.
        sends_key: The api key goes with it.
        is_signed: Timestamp and signature go with it.
        client_order_id: The id by which a write can be looked up; None for reads.
        charge: What it takes from the limits.
    """

    __slots__ = ("charge", "client_order_id", "is_signed", "method", "params", "sends_key", "spec")

    def __init__(
        self,
        spec: MethodSpec,
        method: str,
        params: Params,
        sends_key: bool,
        is_signed: bool,
        client_order_id: str | None,
        charge: Charge,
    ) -> None:
        self.spec = spec
        self.method = method
        self.params = params
        self.sends_key = sends_key
        self.is_signed = is_signed
        self.client_order_id = client_order_id
        self.charge = charge

    def __repr__(self) -> str:
        # Without its parameters, which are the caller's own.
        return f"<Request {self.method} {self.client_order_id or ''}>"

    @property
    def is_write(self) -> bool:
        """Tell whether repeating it could do harm."""
        return self.spec.kind is Kind.WRITE
