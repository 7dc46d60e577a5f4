"""`python -m crypto_ws_sync`: the same as the command `crypto_ws_sync`."""

from __future__ import annotations

import sys

from crypto_ws_sync.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
