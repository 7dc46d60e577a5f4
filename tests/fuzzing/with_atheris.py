"""Feeds one target with bytes that coverage guides, for as long as one likes (needs the package atheris).

    pip install atheris
    python -m tests.fuzzing.with_atheris classify --seconds 600
    python -m tests.fuzzing.with_atheris frames --seconds 60 --found found

It starts from the corpus. New inputs that reach something new are kept in the folder `--found`, if given; an input that
fails, hangs for 10 s or takes more than 512 MB ends it with an exit status above 0 and is written to `crash-...`, which
belongs into the corpus together with its mending.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path


def main() -> None:
    """Fuzz; ends the process."""
    import atheris

    here = Path(__file__).parent
    sys.path += [
        str(here),
        str(here.parent / "exchanges"),
    ]  # what test files share is imported by its bare name
    with atheris.instrument_imports(include=["crypto_ws_sync"]):
        from targets import CORPUS, TARGETS

    parser = argparse.ArgumentParser(description="Fuzz one target with atheris.")
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--found", metavar="FOLDER", help="where inputs that reach something new are kept")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    folders = [*([arguments.found] if arguments.found else []), str(CORPUS / arguments.target)]
    limits = [f"-max_total_time={arguments.seconds}", "-timeout=10", "-rss_limit_mb=512", "-max_len=4096"]
    atheris.Setup([sys.argv[0], *limits, *folders], TARGETS[arguments.target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
