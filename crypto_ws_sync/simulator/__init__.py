"""A simulated exchange behind a real socket, for tests, rehearsals and demonstrations."""

from __future__ import annotations

from .clock import ManualClock
from .exchange import Balance, SeenRequest, SimulatedExchange
from .faults import Fault, Faults
from .keys import Account

__all__ = ["Account", "Balance", "Fault", "Faults", "ManualClock", "SeenRequest", "SimulatedExchange"]
