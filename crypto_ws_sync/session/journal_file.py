"""The journal's file: locked against other programs, appended to, and made anew without what is settled."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from crypto_ws_sync.errors import ConfigError
from crypto_ws_sync.session.journal_lines import LONGEST_LINE, Contents, read_lines

__all__ = ["JournalFile", "read_journal"]

# A pipe in the journal's place must not hold the program up; Windows would write its own line ends.
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_MODE = 0o600
_TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)

if sys.platform == "win32":
    import msvcrt

    _BEYOND = 2**40
    """A byte that no journal has: a locked one could not be read by others."""

    def _lock(handle: int) -> None:
        os.lseek(handle, _BEYOND, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

    def _flush(handle: int) -> None:
        os.fsync(handle)

else:
    import fcntl

    def _lock(handle: int) -> None:
        # Of the open file and not of the process: a second session of the same program is refused, too.
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _flush(handle: int) -> None:
        if sys.platform == "darwin":
            # There fsync leaves what is written in the drive's own memory.
            fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
        else:
            os.fsync(handle)


def read_journal(path: Path) -> Contents:
    """Return what a journal holds, whether a program has it open or not.

    Raises:
        ConfigError: It cannot be read; says why.
    """
    try:
        _check_kind(path)
        with open(path, "rb") as file:
            return read_lines(_lines(file))
    except OSError as error:
        raise ConfigError(f"the journal {path} cannot be read: {error.strerror}") from error


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(LONGEST_LINE):
        yield line


def _check_kind(path: Path) -> None:
    """Refuse what is no file.

    Raises:
        ConfigError: It is a folder, a device or the like.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "no file"
        raise ConfigError(f"the journal {path} is {kind}: give the path of a file, which will be made")


class JournalFile:
    """One journal on disk, held by this session alone from `open` until `close`.

    The lock belongs to the open file, so it goes with the process however that ends.

    Attributes:
        path: Where it is, links followed.
        size: Bytes.
        is_open: It can be written to.

    Owner: whoever holds the journal's lock.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.is_open = False
        self._handle = -1
        self._held: list[int] = []
        """Every handle that may bear a lock, which a forked child would go on holding."""
        self._is_torn = False

    # -- opening ------------------------------------------------------------------------------------------------

    def open(self) -> Contents:
        """Make or open the file, lock it, and return what it holds.

        Raises:
            ConfigError: It cannot be had; says why.
        """
        try:
            # A link goes on naming the file when that is made anew.
            self.path = Path(os.path.realpath(self.path))
            _check_kind(self.path)
            self._handle = self._open_locked()
            contents = read_journal(self.path)
            if contents.is_foreign:
                raise ConfigError(
                    f"{self.path} holds something else than a journal: give the path of a file that does not exist"
                )
            self.size = os.fstat(self._handle).st_size
            self._is_torn = not contents.is_whole
            self.is_open = True
        except (OSError, ValueError) as error:
            self.close()
            reason = error.strerror if isinstance(error, OSError) else str(error)
            if isinstance(error, FileNotFoundError):
                reason = "its folder does not exist"
            raise ConfigError(f"the journal {self.path} cannot be opened: {reason}") from error
        except BaseException:
            self.close()
            raise
        return contents

    def _open_locked(self) -> int:
        while True:
            handle = self._new_handle(self.path, 0)
            try:
                _lock(handle)
            except OSError as error:
                if error.errno not in _TAKEN:
                    raise
                raise self._taken() from error
            try:
                found = os.stat(self.path)
            except FileNotFoundError:
                found = None
            # Whoever held it may have put a new file in its place, and gone, before the lock was had.
            if found is not None and os.path.samestat(found, os.fstat(handle)):
                return handle
            self._let_go(handle)

    def _taken(self) -> ConfigError:
        try:
            pid = read_journal(self.path).pid
        except ConfigError:
            pid = 0
        who = "another session of this program" if pid == os.getpid() else "another program"
        which = f" (process {pid})" if pid not in (0, os.getpid()) else ""
        return ConfigError(
            f"the journal {self.path} is in use by {who}{which}: give each its own file, or end the other first"
        )

    def _new_handle(self, path: Path, more_flags: int) -> int:
        handle = os.open(path, _FLAGS | more_flags, _MODE)
        self._held.append(handle)
        return handle

    def _let_go(self, handle: int) -> None:
        self._held.remove(handle)
        os.close(handle)

    # -- writing ------------------------------------------------------------------------------------------------

    def append(self, data: bytes) -> None:
        """Write at the end, all of it or nothing.

        Raises:
            OSError: It cannot be written; the file is as it was.
        """
        if self._is_torn:
            data = b"\n" + data
        written = 0
        try:
            while written < len(data):
                written += os.write(self._handle, data[written:] if written else data)
        except BaseException:
            self._take_back(written)
            raise
        self._is_torn = False
        self.size += len(data)

    def _take_back(self, written: int) -> None:
        """Cut off what has been written of something that did not fit."""
        if written:
            try:
                os.ftruncate(self._handle, os.fstat(self._handle).st_size - written)
            except OSError:
                self._is_torn = True

    def clear(self) -> None:
        """Give back all the room that it takes.

        Raises:
            OSError: That cannot be.
        """
        os.ftruncate(self._handle, 0)
        self.size = 0
        self._is_torn = False

    def flush(self) -> None:
        """Return once what was written has reached the disk.

        Raises:
            OSError: It has not, perhaps.
        """
        _flush(self._handle)

    def is_displaced(self) -> bool:
        """Tell whether something else, or nothing, is in the file's place."""
        try:
            return not os.path.samestat(os.stat(self.path), os.fstat(self._handle))
        except OSError:
            return True

    def keep_aside(self) -> Path | None:
        """Let the file as it is stay under another name, too, and return that; None where that cannot be."""
        aside = self.path.with_name(self.path.name + ".unreadable")
        try:
            aside.unlink(missing_ok=True)
            os.link(self.path, aside)
        except OSError:
            return None
        return aside

    def rewrite(self, lines: Sequence[bytes]) -> None:
        """Put a new file with these lines in the place of the old one; a crash leaves one or the other, whole.

        Raises:
            OSError: The new one cannot be made; the old one stays.
        """
        fresh = self.path.with_name(
            f".{self.path.name}.made-anew"
        )  # a name that nobody gives to a file of theirs
        fresh.unlink(missing_ok=True)
        handle = self._new_handle(fresh, os.O_EXCL)
        data = b"".join(lines)
        try:
            _lock(handle)
            written = 0
            while written < len(data):
                written += os.write(handle, data[written:])
            _flush(handle)
            self._replace(fresh, handle)
        except BaseException:
            if handle in self._held and handle != self._handle:
                self._let_go(handle)
            fresh.unlink(missing_ok=True)
            raise
        self.size = len(data)
        self._is_torn = False

    def _replace(self, fresh: Path, handle: int) -> None:
        old = self._handle
        if sys.platform == "win32":
            # There an open file cannot be replaced, so that for a moment nobody holds the lock.
            self._let_go(handle)
            self._let_go(old)
            try:
                os.replace(fresh, self.path)
            finally:
                self._handle = self._open_locked()
            return
        os.replace(fresh, self.path)
        self._handle = handle
        self._let_go(old)
        try:
            folder = os.open(self.path.parent, os.O_RDONLY)
        except OSError:
            return  # a folder that may be written to and not read: the system brings its names to the disk in time
        try:
            os.fsync(folder)
        except OSError:
            pass  # not every file system can
        finally:
            os.close(folder)

    # -- the end ------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Let go of the file; a closed one stays so."""
        self.is_open = False
        self._handle = -1
        while self._held:
            os.close(self._held.pop())

    def forsake(self) -> None:
        """In a forked child: let go of the parent's file, whose lock would outlive the parent."""
        self.close()
