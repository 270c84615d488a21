"""What the command line says must never decide about what it computes.

A terminal may be closed, a disk full, the reader of a pipe gone. Then progress bars and messages are lost, and nothing
else: the picture is made, and the exit code tells of it.
"""

import logging
import os
import sys
import warnings
from contextlib import suppress
from typing import Any


class Report:
    """A text stream that nobody waits for: what cannot be written is dropped, from the first failure on.

    Parameters
    ----------
    stream : text stream or None
        None, as where the shell closed it (``2>&-``), drops everything.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._try("write", text)
        return len(text)

    def flush(self) -> None:
        self._try("flush")

    def isatty(self) -> bool:
        return bool(self._stream is not None and self._stream.isatty())

    @property
    def encoding(self) -> str:
        return getattr(self._stream, "encoding", None) or "utf-8"

    def reconfigure(self, **options: Any) -> None:
        self._try("reconfigure", **options)

    def fileno(self) -> int:
        if self._stream is None:
            raise OSError("this stream is closed")
        return self._stream.fileno()

    def _try(self, method, *arguments, **options):
        if self._stream is None:
            return
        try:
            getattr(self._stream, method)(*arguments, **options)
        except UnicodeEncodeError:  # a name from data that this terminal's encoding lacks
            encoding = self.encoding
            self._try(method, *(text.encode(encoding, "backslashreplace").decode(encoding) for text in arguments))
        except (OSError, ValueError, AttributeError):  # full or gone; closed; a replacement without the method
            self._drop()

    def _drop(self):
        """Give up, and lead what is still buffered nowhere: Python flushes it once more when it ends."""
        stream, self._stream = self._stream, None
        with suppress(OSError, ValueError, AttributeError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)


def settle_reports() -> None:
    """Make standard output and standard error streams that nobody waits for, and warnings plain sentences.

    NumPy's own warnings are for developers: what they are about is checked, and an error, where it matters.
    """
    sys.stdout, sys.stderr = Report(sys.stdout), Report(sys.stderr)
    warnings.simplefilter("ignore", RuntimeWarning)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # where it keeps its cache is nobody's concern
    warnings.showwarning = lambda message, *_, **__: print(f"pixelgrad: {message}", file=sys.stderr)
