"""Why the engine refused: the exchange's own codes and words."""

from __future__ import annotations


class Rejection(Exception):
    """A request that was refused whole, with no effect; `code` and `msg` as the exchange words them."""

    def __init__(self, code: int, msg: str) -> None:
        super().__init__(code, msg)
        self.code = code
        self.msg = msg

    def as_reason(self) -> str:
        """Return it the way an execution report gives a reason."""
        if self.msg == TOO_THIN_TO_PEG:
            return "INSUFFICIENT_LIQUIDITY"
        return self.msg.upper().replace(": ", "_").replace(" ", "_").rstrip(".")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rejection) and (self.code, self.msg) == (other.code, other.msg)

    def __hash__(self) -> int:
        return hash((self.code, self.msg))


INVALID_MESSAGE = -1013
UNKNOWN_ORDER_COMPOSITION = -1014
UNSUPPORTED_OPERATION = -1020
MANDATORY_PARAM = -1102
PARAM_NOT_REQUIRED = -1106
TIF_NOT_REQUIRED = -1114
INVALID_TIF = -1115
INVALID_ORDER_TYPE = -1116
INVALID_SIDE = -1117
BAD_SYMBOL = -1121
BAD_STRATEGY_TYPE = -1134
INVALID_CANCEL_RESTRICTIONS = -1145
NEW_ORDER_REJECTED = -2010
CANCEL_REJECTED = -2011
NO_SUCH_ORDER = -2013
ORDER_AMEND_REJECTED = -2038
CLIENT_ORDER_ID_INVALID = -2039

DUPLICATE_ORDER = "Duplicate order sent."
MARKET_CLOSED = "Market is closed."
NOT_PERMITTED = "This symbol is not permitted for this account."
INSUFFICIENT_BALANCE = "Account has insufficient balance for requested action."
UNKNOWN_ORDER = "Unknown order sent."
TOO_THIN_TO_PEG = "Order book liquidity is too low for this pegged order."
WOULD_MATCH = "Order would immediately match and take."
WOULD_TRIGGER = "Order would trigger immediately."
BAD_PRICES = "The relationship of the prices for the orders is not correct."
UNSUPPORTED_COMBINATION = "Unsupported order combination."
CANCEL_RESTRICTED = "Order was not canceled due to cancel restrictions."
CLIENT_ORDER_ID_MISMATCH = "Client order ID is not correct for this order ID."
NO_STATE_CHANGE = "The requested action would change no state; rejecting."
QUANTITY_INCREASE = "Order amend (quantity increase) is not supported."
STP_MODE_NOT_ALLOWED = "This symbol does not allow the specified self-trade prevention mode."


def filter_failure(name: str) -> Rejection:
    """Return the refusal of an order that breaks the filter called `name`."""
    return Rejection(INVALID_MESSAGE, f"Filter failure: {name}")


def missing(parameter: str) -> Rejection:
    """Return the refusal of an order that lacks `parameter`."""
    return Rejection(
        MANDATORY_PARAM, f"Mandatory parameter '{parameter}' was not sent, was empty/null, or malformed."
    )


def not_required(parameter: str) -> Rejection:
    """Return the refusal of an order that carries `parameter`, which its type does not take."""
    return Rejection(PARAM_NOT_REQUIRED, f"Parameter '{parameter}' sent when not required.")


def new_order(msg: str) -> Rejection:
    """Return the refusal of a placement by the matching engine."""
    return Rejection(NEW_ORDER_REJECTED, msg)
