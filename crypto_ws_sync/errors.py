"""Every exception of the library, one tree; each branch answers "did it happen?".

Nothing here holds a secret: messages are made from method names, parameter names and the exchange's own words.
All errors pickle, by way of their attributes.
"""

from __future__ import annotations

from typing import Any, Protocol

__all__ = [
    "ApiError",
    "AuthError",
    "BadRequest",
    "CancelRejected",
    "ConfigError",
    "ConnectionFailed",
    "ConnectionLost",
    "CryptoWSError",
    "IPBanned",
    "InvalidParameter",
    "NotFound",
    "OrderRejected",
    "OutOfService",
    "OutcomeUnknown",
    "PartialFailure",
    "RateLimited",
    "RequestTimeout",
    "ServerError",
    "SessionClosed",
    "TimestampError",
    "WAFBlocked",
]


class OutcomeResolver(Protocol):
    """Whoever can settle an open outcome: a session."""

    def resolve_outcome(self, error: OutcomeUnknown, timeout: float | None) -> Any:
        """Return or raise what the call would have."""


def _rebuild(kind: type[CryptoWSError], message: str, state: dict[str, Any]) -> CryptoWSError:
    """Make an error anew from what pickling kept of it."""
    error = kind.__new__(kind, message)
    error.args = (message,)
    error.__dict__.update(state)
    return error


class CryptoWSError(Exception):
    """Base of every error that the library raises on purpose.

    Attributes:
        method: The exchange's method name, such as "order.place"; None where no request was involved.
        request_id: The request's key on the wire; None where nothing was sent.
        client_order_id: The order's client order id; None where the request names no order.
    """

    def __init__(
        self,
        message: str = "",
        *,
        method: str | None = None,
        request_id: str | int | None = None,
        client_order_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.method = method
        self.request_id = request_id
        self.client_order_id = client_order_id

    def _state(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), str(self.args[0]) if self.args else "", self._state())


class ConfigError(CryptoWSError):
    """The config file, the credentials or an argument of the session is wrong; nothing was sent."""


class InvalidParameter(CryptoWSError, ValueError):
    """The request certainly cannot be right; nothing was sent.

    Attributes:
        parameter: The parameter at fault, in the exchange's spelling; None where no single one is.
    """

    def __init__(
        self,
        message: str = "",
        *,
        method: str | None = None,
        parameter: str | None = None,
        client_order_id: str | None = None,
    ) -> None:
        super().__init__(message, method=method, client_order_id=client_order_id)
        self.parameter = parameter


class SessionClosed(CryptoWSError):
    """The session is not running, or was called from the wrong place; nothing was sent, or a plain read."""


class OutOfService(CryptoWSError):
    """Held back by a limit or a ban; nothing was sent.

    Attributes:
        reason: What holds it back, in words.
        retry_at: Epoch seconds at which service resumes.
    """

    def __init__(
        self,
        message: str = "",
        *,
        method: str | None = None,
        reason: str = "",
        retry_at: float | None = None,
        client_order_id: str | None = None,
    ) -> None:
        super().__init__(message, method=method, client_order_id=client_order_id)
        self.reason = reason
        self.retry_at = retry_at


class ConnectionFailed(CryptoWSError, ConnectionError):
    """`start()` could not connect.

    Attributes:
        status: HTTP status of a refused handshake, else None.
        retry_at: Epoch seconds from which connecting is allowed again, where the exchange said so.
    """

    def __init__(
        self, message: str = "", *, status: int | None = None, retry_at: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_at = retry_at


class ConnectionLost(CryptoWSError, ConnectionError):
    """The connection went and there was certainly no effect, or it was a plain read: safe to repeat."""


class RequestTimeout(CryptoWSError, TimeoutError):
    """Time ran out and there was certainly no effect, or it was a plain read: safe to repeat."""


class OutcomeUnknown(CryptoWSError):
    """A write that may have been executed: never repeat it, `resolve()` it.

    Attributes:
        question: What has to be looked up to settle it, as a frozen value; None where no look-up exists.
    """

    def __init__(
        self,
        message: str = "",
        *,
        method: str | None = None,
        request_id: str | int | None = None,
        client_order_id: str | None = None,
        question: Any = None,
        resolver: OutcomeResolver | None = None,
    ) -> None:
        super().__init__(message, method=method, request_id=request_id, client_order_id=client_order_id)
        self.question = question
        self._resolver = resolver

    def _state(self) -> dict[str, Any]:
        return {**self.__dict__, "_resolver": None}

    def resolve(self, timeout: float | None = None, session: OutcomeResolver | None = None) -> Any:
        """Return or raise what the call would have, once the exchange has been asked.

        Args:
            timeout: Seconds to wait; the session's by default.
            session: The session to ask with; needed only after unpickling.

        Raises:
            OutcomeUnknown: The timeout ended first, or no look-up exists for this request.
            SessionClosed: The session is not running; start it first.
        """
        resolver = session if session is not None else self._resolver
        if resolver is None:
            raise SessionClosed(
                "this error has come from another process and knows no session: pass one, resolve(session=...)",
                method=self.method,
                client_order_id=self.client_order_id,
            )
        return resolver.resolve_outcome(self, timeout)


class ApiError(CryptoWSError):
    """The exchange answered with an error.

    Attributes:
        status: The answer's status, such as 400.
        code: The exchange's error code, such as -2010.
        msg: The exchange's own words.
        data: The error's data object, else None.
    """

    def __init__(
        self,
        message: str | None = None,
        *,
        status: int = 0,
        code: int | None = None,
        msg: str = "",
        data: Any = None,
        method: str | None = None,
        request_id: str | int | None = None,
        client_order_id: str | None = None,
    ) -> None:
        if message is None:
            message = f"{method or 'request'}: {msg} (status {status}, code {code})"
        super().__init__(message, method=method, request_id=request_id, client_order_id=client_order_id)
        self.status = status
        self.code = code
        self.msg = msg
        self.data = data


class AuthError(ApiError):
    """Key, permission or signature refused; nothing happened."""


class TimestampError(ApiError):
    """Timestamp outside the receive window; nothing happened."""


class BadRequest(ApiError):
    """The request is malformed or unsupported; nothing happened."""


class NotFound(ApiError):
    """No such order, list or object."""


class OrderRejected(ApiError):
    """The order was refused; nothing was executed."""


class CancelRejected(ApiError):
    """The cancel was refused; `code` and `msg` tell why."""


class PartialFailure(ApiError):
    """One half was done and the other was not; `data` has both."""


class ServerError(ApiError):
    """The exchange failed; the outcome is known: it did not happen, or it was a plain read."""


class WAFBlocked(ApiError):
    """The exchange's firewall refused the request; nothing happened."""


class RateLimited(ApiError):
    """Over a limit; nothing happened.

    Attributes:
        retry_at: Epoch seconds from which requests are allowed again, where known.
    """

    def __init__(
        self,
        message: str | None = None,
        *,
        status: int = 429,
        code: int | None = None,
        msg: str = "",
        data: Any = None,
        method: str | None = None,
        request_id: str | int | None = None,
        client_order_id: str | None = None,
        retry_at: float | None = None,
    ) -> None:
        super().__init__(
            message,
            status=status,
            code=code,
            msg=msg,
            data=data,
            method=method,
            request_id=request_id,
            client_order_id=client_order_id,
        )
        self.retry_at = retry_at


class IPBanned(RateLimited):
    """The address is banned until `retry_at`; nothing happened."""
