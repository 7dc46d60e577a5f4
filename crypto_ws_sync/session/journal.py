"""The journal: what a crash leaves open is in a file, so that the next start can settle it."""

from __future__ import annotations

import hashlib
import itertools
import logging
import math
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from crypto_ws_sync.bridge.reply import OneAnswer
from crypto_ws_sync.bridge.writer_thread import WriterThread
from crypto_ws_sync.errors import (
    ApiError,
    ConfigError,
    CryptoWSError,
    OutcomeUnknown,
    PartialFailure,
    SessionClosed,
)
from crypto_ws_sync.protocol.outcome import Question, Verdict, VerdictKind
from crypto_ws_sync.session.journal_file import JournalFile
from crypto_ws_sync.session.journal_lines import (
    LONGEST_LINE,
    Contents,
    Record,
    Settled,
    opening_line,
    record_line,
    verdict_line,
)

__all__ = ["Journal", "account_mark"]

log = logging.getLogger("crypto_ws_sync.session")

REWRITTEN_AT = 8 * 2**20
"""Bytes at which the file is made anew without what is settled, though the program goes on."""
_NOT_EXECUTED = "not executed"


def account_mark(venue: str, api_key: str | None) -> str:
    """Return what stands in a journal for a venue and a key, from which neither can be told."""
    return hashlib.sha256(f"{venue}\0{api_key or ''}".encode()).hexdigest()[:16]


class Journal:
    """The writes of one session, in a file that no other program may use meanwhile.

    A record is written by the caller's thread before its write is handed over, so it outlives the program. Verdicts are
    written by a thread of the journal's own; one that is missing costs a look-up at the next start, and nothing else.

    Args:
        path: The file; made if it is not there.
        account: Stands for venue and key: what was recorded with another is left alone.
        is_synced: Wait until each record has reached the disk.
        name: Of the thread.

    Attributes:
        numbers: Gives each write one that no other in the file has; drawing from it is one step.

    Raises:
        ConfigError: The file cannot be had, or another program has it; says why.

    Owner: shared, guarded by self._lock; self._sync_lock is taken first where both are.
    """

    def __init__(self, path: Path, account: str, *, is_synced: bool, name: str) -> None:
        self._account = account
        self._is_synced = is_synced
        # Re-entrant, since a signal's handler may place or cancel an order while its thread does.
        self._lock = threading.RLock()
        self._sync_lock = threading.RLock()
        self._file = JournalFile(path)
        self._writer: WriterThread[tuple[int, str, int | None]] = WriterThread(
            name, self._write_verdicts, at_end=self._close, at_fork=self._file.forsake
        )
        self._post = self._writer.post
        self._written = self._synced = 0
        self._failure: OSError | None = None
        """What went wrong with the file for good: nothing may rely on it until it is opened anew."""
        self._rewrite_at = REWRITTEN_AT
        contents = self._file.open()
        try:
            self._open = {record.number: record for record in contents.left_open}
            self.numbers = itertools.count(contents.last_number + 1)
            self._tidy_up(contents)
            self._writer.start()
        except BaseException:
            self._writer.end()  # after a Ctrl-C it may run already
            self._file.close()
            raise

    # -- what an earlier program left -----------------------------------------------------------------------------

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    def left_open(self) -> tuple[list[Record], list[Record]]:
        """Return the open writes of this venue and key, and those recorded with another; oldest first."""
        records = list(self._open.values())
        ours = [record for record in records if record.account == self._account]
        return ours, [record for record in records if record.account != self._account]

    def _tidy_up(self, contents: Contents) -> None:
        """Drop what is settled or cannot be read, and tell of the latter."""
        if contents.skipped:
            aside = self._file.keep_aside()
            kept = f"; the file as it was is kept as {aside}" if aside is not None else ""
            log.warning(
                "%d lines of the journal %s could not be read and were skipped: a write that they told of is not "
                "looked up%s; the first: %s",
                contents.skipped,
                self.path,
                kept,
                contents.shown,
                extra={"event": "left_open"},
            )
        try:
            self._rewrite()
        except OSError as error:
            self._tell_of_failure(error)

    def _tell_of_failure(self, error: OSError) -> None:
        log.warning(
            "the journal %s could not be made anew, and grows until it can: %s",
            self.path,
            error.strerror,
            extra={"event": "left_open"},
        )

    # -- records --------------------------------------------------------------------------------------------------

    def draft(self, question: Question, latest: float) -> Record:
        """Return the record of a write, to be kept before it is handed over.

        Args:
            question: The write as if it were sent now, with its number as serial.
            latest: The exchange's epoch seconds after which it will not be sent.

        Raises:
            ConfigError: It is longer than any order.
        """
        window = question.accepted_until - question.timestamp
        line = record_line(question, latest, window, self._account)
        if len(line) > LONGEST_LINE:
            raise ConfigError(
                f"{question.method} is too long for the journal and was not sent",
                method=question.method,
                client_order_id=question.client_order_id,
            )
        return Record(question, latest, self._account, line)

    def keep(self, records: Sequence[Record]) -> None:
        """Write records; when this returns they outlive the program, and with sync the machine's power.

        Raises:
            ConfigError: They cannot be written; none of these writes may be sent.
            SessionClosed: The journal was closed meanwhile.
        """
        data = records[0].line if len(records) == 1 else b"".join([record.line for record in records])
        with self._lock:
            if not self._file.is_open:
                raise SessionClosed("the session was stopped")
            if self._failure is not None:
                raise self._unwritten(self._failure) from self._failure
            try:
                self._file.append(data)
            except OSError as error:
                if error.errno is None:
                    raise  # a signal handler's own, such as a TimeoutError
                self._append_once_more(data, error)
            for record in records:
                self._open[record.question.serial] = record
            self._written += len(data)
            written = self._written
        if self._is_synced:
            try:
                self._sync(written)
            except BaseException:
                for record in records:
                    self.settle(record.number, _NOT_EXECUTED)
                raise

    def _append_once_more(self, data: bytes, error: OSError) -> None:
        """Write in the place of what is settled, where nothing else is there any more: it may be all the room there is.

        Raises:
            ConfigError: That cannot be done either.
        """
        if self._open:
            raise self._unwritten(error) from error
        try:
            self._file.clear()
            self._file.append(data)
        except OSError as still:
            raise self._unwritten(still) from still

    def _sync(self, written: int) -> None:
        """Return once what was written so far has reached the disk; one thread's wait serves all that have written."""
        with self._sync_lock:
            if self._synced >= written:
                return
            upto = self._written
            if self._failure is not None:
                raise self._unwritten(self._failure) from self._failure
            if not self._file.is_open:
                raise SessionClosed("the session was stopped")
            try:
                self._file.flush()
            except OSError as error:
                if error.errno is None:
                    raise  # a signal handler's own, such as a TimeoutError
                # From now on the system may forget what it could not write, and call the next one a success.
                self._failure = error
                raise self._unwritten(error) from error
            self._synced = upto

    def _unwritten(self, error: OSError) -> ConfigError:
        again = "; stop the session and start it again once that is mended" if self._failure else ""
        return ConfigError(
            f"nothing was sent, because the journal {self.path} cannot be written: {error.strerror}{again}"
        )

    # -- verdicts -------------------------------------------------------------------------------------------------

    def settle(self, number: int, verdict: str, code: int | None = None) -> None:
        """Have it noted how a write ended; never waits."""
        if number in self._open:
            self._post((number, verdict, code))

    def done(self, number: int, is_known: bool, reply: Future[Any] | OneAnswer) -> None:
        """Have it noted what a caller was told, if that was the end of it.

        Args:
            number: The write's.
            is_known: The catalogue knows its method, so its answer would have held something.
            reply: What the caller was told.
        """
        if reply.cancelled():
            self.settle(number, _NOT_EXECUTED)
            return
        error = reply.exception()
        if error is None:
            self.settle(number, _NOT_EXECUTED if is_known and reply.result() is None else "executed")
        elif isinstance(error, ApiError):
            kind = "partly executed" if isinstance(error, PartialFailure) else "refused"
            self.settle(number, kind, error.code)
        elif isinstance(error, CryptoWSError) and not isinstance(error, OutcomeUnknown):
            self.settle(number, _NOT_EXECUTED)

    def judged(self, question: Question, verdict: Verdict) -> None:
        """Have it noted what was found out about a write."""
        record = self._open.get(question.serial)
        if record is None or not is_of(record, question):
            return
        error = verdict.error
        kind = verdict.kind.value
        if verdict.kind is VerdictKind.REFUSED and isinstance(error, PartialFailure):
            kind = "partly executed"
        self.settle(record.number, kind, error.code if error is not None else None)

    def _write_verdicts(self, items: Sequence[tuple[int, str, int | None]]) -> None:
        now = time.time()
        with self._lock:
            lines = [
                verdict_line(number, Settled(verdict, now, code))
                for number, verdict, code in items
                if self._open.pop(number, None) is not None
            ]
            if not lines or not self._file.is_open:
                return
            data = b"".join(lines)
            try:
                try:
                    self._file.append(data)
                except OSError as error:
                    self._append_once_more(data, error)
            except ConfigError as error:
                # The next start asks the exchange once more; orders tell their callers of the same trouble.
                log.debug("verdicts could not be noted in the journal: %s", error)
                return
            self._written += len(data)
        self._look_after_file()

    def _look_after_file(self) -> None:
        """Make the file anew when it has grown, or when it has been moved or removed."""
        is_displaced = self._failure is None and self._file.is_displaced()
        if not is_displaced and self._file.size < self._rewrite_at:
            return
        if is_displaced:
            log.warning(
                "the journal %s was moved or removed: it is made anew with what is open",
                self.path,
                extra={"event": "left_open"},
            )
        try:
            with self._sync_lock, self._lock:
                self._rewrite()
        except OSError as error:
            self._rewrite_at = 2 * self._file.size
            if is_displaced:
                self._failure = error
            self._tell_of_failure(error)

    def _rewrite(self) -> None:
        lines = [record.line for record in self._open.values()]
        self._file.rewrite([opening_line(os.getpid(), time.time()), *lines])
        self._synced = self._written
        self._rewrite_at = REWRITTEN_AT + 2 * self._file.size

    # -- the end --------------------------------------------------------------------------------------------------

    def end(self) -> None:
        """Have what is to be noted written, and the file let go; waits for nothing."""
        self._writer.end()

    def stop(self, timeout: float) -> None:
        """End, and wait for that."""
        self._writer.stop(timeout)

    def _close(self) -> None:
        with self._sync_lock, self._lock:
            self._file.close()


def is_of(record: Record, question: Question) -> bool:
    """Tell whether a question is about the write that a record tells of, and not one of another session."""
    asked = record.question
    return (
        asked.method == question.method
        and asked.client_order_id == question.client_order_id
        and asked.params == question.params
        and asked.timestamp - asked.clock_error - 1.0 <= question.timestamp
        and not math.isnan(question.timestamp)
    )
