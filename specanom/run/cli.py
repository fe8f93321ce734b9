"""The command ``specanom``.

Exit codes: 0 done; 1 a product differs or drifts (compare, score); 2 a wrong call; 3 no usable data; 4 a stage failed;
130 interrupted (143 by SIGTERM, 129 by SIGHUP); 141 nobody reads what it prints (``specanom cite RUN | head``), as
other programs have it. When some partitions of a stage failed the run is done, 0, and a warning on standard error
tells which: the other spectra have their results, and a survey of millions is not to stop, nor a job after it, for
one file.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Sequence

from ..errors import SpecanomError
from .codes import DIFFERS, DONE, FAILED, INTERRUPTED, NO_DATA, UNUSABLE, WRONG_CALL, code_of
from .failure import reason_of
from .grammar import command_line
from .piping import NO_READER, reader_gone, until_unread
from .plainly import printed_plainly
from .stopping import exit_code, stopped_by_signals

__all__ = ["DIFFERS", "DONE", "FAILED", "INTERRUPTED", "NO_DATA", "UNUSABLE", "WRONG_CALL", "main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    with printed_plainly():
        return until_unread(lambda: _main(argv))


def _main(argv: Sequence[str] | None) -> int:
    arguments = command_line().parse_args(argv)
    try:
        with stopped_by_signals():
            return int(arguments.command(arguments))
    except KeyboardInterrupt as exc:
        logging.getLogger("asyncio").disabled = True  # it would tell of every question to a kernel that is left open
        print("interrupted; finished stages are kept, the same command goes on from there", file=sys.stderr)
        return exit_code(exc)
    except (SpecanomError, OSError) as exc:
        if isinstance(exc, BrokenPipeError) and reader_gone():
            return NO_READER
        print(f"specanom: {reason_of(exc) if isinstance(exc, OSError) else exc}", file=sys.stderr)
        return code_of(exc)
    except Exception:
        traceback.print_exc()  # a bug: all of it is wanted, but not the exit code 1 that Python would give
        print("specanom: this is a fault of specanom, not yours. Please report it with the lines above, the command "
              "and what specanom doctor says", file=sys.stderr)
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
