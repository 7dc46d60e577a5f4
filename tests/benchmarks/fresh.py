"""What a fresh process takes until its first answer, and what it then holds.

    python -m tests.benchmarks.fresh floor|session URL [CA_FILE]

Prints one line of JSON: seconds of the import, kilobytes of memory, threads.
"""

from __future__ import annotations

import sys
import time
from typing import Any


def _floor(url: str, ca_file: str | None) -> float:
    began = time.perf_counter()
    import json
    import ssl

    import websocket

    imported = time.perf_counter() - began
    options: Any = {"sslopt": {"context": ssl.create_default_context(cafile=ca_file)}} if ca_file else {}
    client = websocket.create_connection(url, skip_utf8_validation=True, enable_multithread=False, **options)
    client.send(json.dumps({"id": 1, "method": "time"}))
    assert json.loads(client.recv())["status"] == 200
    return imported


def _session(url: str, ca_file: str | None) -> float:
    began = time.perf_counter()
    from crypto_ws_sync import UserWSSession

    imported = time.perf_counter() - began
    context = None
    if ca_file:
        import ssl

        context = ssl.create_default_context(cafile=ca_file)
    session = UserWSSession("k" * 64, "s" * 64, endpoint=url, ssl_context=context).start()
    assert session.handle_request("time")["serverTime"]
    # Kept alive, and so measured idle and not stopped.
    globals()["_kept"] = session
    return imported


FIRST_ANSWERS = {"floor": _floor, "session": _session}
"""Who is measured -> what it does until its first answer, in a process that has loaded nothing yet."""


def _kilobytes(name: str) -> int:
    with open("/proc/self/smaps_rollup", encoding="ascii") as lines:
        return sum(int(line.split()[1]) for line in lines if line.startswith(name))


def main() -> None:
    """Run from the command line."""
    which, url, *rest = sys.argv[1:]
    imported = FIRST_ANSWERS[which](url, rest[0] if rest else None)
    print("answered", flush=True)
    sys.stdin.readline()
    with open("/proc/self/status", encoding="ascii") as lines:
        threads = next(int(line.split()[1]) for line in lines if line.startswith("Threads"))
    resident, private = _kilobytes("Rss"), _kilobytes("Private")
    print(
        f'{{"import": {imported}, "rss": {resident}, "private": {private}, "threads": {threads}}}', flush=True
    )


if __name__ == "__main__":
    main()
