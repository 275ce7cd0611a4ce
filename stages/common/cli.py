"""Entry point of every step and command: the log, exit codes, and a user's mistake as one line on stderr."""

import argparse
import errno
import gc
import logging
import os
import re
import select
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path, PurePath
from textwrap import fill
from typing import NoReturn

from stages.common.paths import OUTPUTS

logger = logging.getLogger("stages")  # of all steps and commands, whose log has messages alone

NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NO_ACCESS = {errno.EACCES, errno.EPERM, errno.EROFS}
BROKEN = {errno.EIO, errno.EMFILE, errno.ENFILE, getattr(errno, "EREMOTEIO", errno.EIO)}  # Linux alone has the last
BROKEN |= {errno.ESTALE, errno.ENOTCONN, errno.ENODEV, errno.ETIMEDOUT}  # of a mount
# Exit codes; that of a user's mistake is 1. A step that fails because of the machine may succeed on another.
MACHINE_FAILURE = os.EX_IOERR
BUG = os.EX_SOFTWARE

# Control characters, line separators, direction marks and invisible characters, except joiners, which scripts need.
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


class UserError(Exception):
    """A mistake that the user can fix. Its text states what was expected, what was received and what to do."""


class MachineError(Exception):
    """A machine's failure for which there is no exception type or errno. Its text is shown unchanged."""


class MismatchError(UserError):
    """A parameter or a correction that does not fit the photos."""


def first_line(error: BaseException | str) -> str:
    """Return the first line of a message; of an error without one, as a bare TimeoutError, its type."""
    return str(error).strip().split("\n")[0] or type(error).__name__


class ParagraphFormatter(argparse.HelpFormatter):
    """Wrap each paragraph of a description, and leave indented lines, which are examples, as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = text.strip().split("\n\n")
        return "\n\n".join(part if part.startswith(" ") else fill(part, width) for part in paragraphs)


class Parser(argparse.ArgumentParser):
    """A parser that reports a mistake in the options as a UserError."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}: see `{self.prog} --help`")


def command_parser(description: str | None, epilog: str | None = None) -> Parser:
    """Return a parser whose ``--help`` shows the running module as ``python -m MODULE``."""
    spec = sys.modules["__main__"].__spec__
    module = spec.name.removesuffix(".__main__") if spec else Path(sys.argv[0]).stem
    text = description and description.replace("``", "")
    return Parser(prog=f"python -m {module}", description=text, epilog=epilog, formatter_class=ParagraphFormatter)


class LogFormatter(logging.Formatter):
    """Escape control characters, such as those from a file's name or a server's answer."""

    def format(self, record: logging.LogRecord) -> str:
        return escape_controls(super().format(record))


def run(main: Callable[[], None], description: str | None = None) -> None:
    """Run a program: log to stderr, report expected failures as one line, and exit with a code.

    The code is 1 for a user's mistake, ``MACHINE_FAILURE`` for a failure of the machine, and ``BUG``, with a traceback,
    for everything else. A program without arguments passes its description for ``--help``; others parse their own.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # as files, whatever the locale: not all have all letters of names
    gc.freeze()  # what the imports created stays: to scan it again, also at the exit, would take 0.3 CPU s
    handler = logging.StreamHandler()
    handler.setFormatter(LogFormatter("%(message)s"))
    logging.basicConfig(handlers=[handler])
    logger.setLevel(logging.INFO)  # and not botocore's, which would log where it finds credentials
    try:
        if description:
            command_parser(description).parse_args()
        if "DVC_STAGE" in os.environ:
            from stages.common.edits import refuse_edits  # which imports this module

            with refuse_edits():
                main()
        else:
            main()
        sys.stdout.flush()
    except UserError as error:
        sys.exit(f"error: {escape_controls(str(error))}")
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second one ends at once, without a traceback
        sys.exit("stopped: run the same command again (a training run resumes)")
    except Exception as error:  # noqa: BLE001 (its traceback is printed)
        if isinstance(error, BrokenPipeError) and is_output_closed():
            sys.exit(1)
        if problem := path_problem(error):
            sys.exit(f"error: {error}: {problem}")
        if problem := machine_problem(error):
            sys.stderr.write(f"error: {escape_controls(problem)}\n")
            sys.exit(MACHINE_FAILURE)
        traceback.print_exc()
        sys.exit(BUG)


def is_output_closed() -> bool:
    """Return whether what reads the output, such as `head`, has ended; if so, the rest of the output is discarded."""
    stdout, poll = 1, select.poll()
    poll.register(stdout, 0)
    if is_closed := bool(poll.poll(0)):  # registered for errors alone
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout)  # or Python complains when it flushes its own buffer
    return is_closed


def path_problem(error: Exception) -> str | None:
    """Return what to do about an error of a path that is a user's mistake, None for any other."""
    if getattr(error, "errno", None) == errno.ENAMETOOLONG:  # for example, of several paths in one pair of quotes
        return "expected a shorter path; quote each path by itself"
    if isinstance(error, IsADirectoryError):  # such as corrections.csv, where Docker was to mount a missing one
        return "expected a file, received a folder: move it"
    if isinstance(error, NotADirectoryError | FileExistsError):  # such as a file called metrics
        return "expected a folder, received a file: move it"
    return None


def machine_problem(error: Exception) -> str | None:
    """Return a message for an error of the machine (disk, memory, permissions), None for any other."""
    code = error.errno if isinstance(error, OSError) else None
    if isinstance(error, MachineError):
        return str(error)
    if isinstance(error, MemoryError) or code == errno.ENOMEM:
        return "not enough memory for the step: free some, or run it on a larger machine"
    if type(error).__name__ == "ResourceExhaustedError":  # TensorFlow's: importing it would take seconds
        return f"not enough memory or disk space for the step: {first_line(error)}"
    if isinstance(error, FileNotFoundError) and "usable temporary directory" in str(error):  # tempfile's own words
        return f"{error.strerror}: free some disk space, or set TMPDIR to another folder"
    if isinstance(error, RuntimeError) and str(error) == "can't start new thread":  # Python's own words
        return "no more threads for the step: end other programs, or raise `ulimit -u` or the memory"
    if code in NO_SPACE:
        return f"not enough disk space for the step's files ({error}): free some"
    if code in NO_ACCESS:
        return f"no access to the step's files ({error}): check who owns them"
    if code in BROKEN:
        return f"the step's files cannot be read or written ({error}): check the disk and `ulimit -n`"
    return None


@contextmanager
def explain_unwritable(path: Path, option: str) -> Iterator[None]:
    """Turn a failure to write to the path that the user chose by ``option`` into a UserError."""
    check_output(path, option)
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ACCESS and machine_problem(error):
            raise
        raise UserError(f"cannot write {path} ({first_line(error)}): choose another {option}") from error


def check_output(path: Path, option: str) -> None:
    """Refuse a path among the pipeline's outputs for a file or folder of the user's."""
    for folder in OUTPUTS:
        if path.resolve().is_relative_to(folder.resolve()):
            raise UserError(f"{option}: expected a path outside of the pipeline's {folder}, received {path}")


def plural(count: int, one: str, several: str = "") -> str:
    """Return a count with its noun, such as "1 photo" or "2 photos"."""
    return f"{count} {one if count == 1 else several or f'{one}s'}"


def quoted(names: Iterable[str], limit: int = 5) -> str:
    """Return names in quotes, the first of many, such as "'a', 'b' and 7 more"."""
    names = list(names)
    rest = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(map(repr, names[:limit])) + rest


def without_password(url: str) -> str:
    """Return a URL without a user's name and password, which no log or comment may show."""
    return re.sub("(?<=://)[^/]*@", "", url)


def escape_name(name: str | PurePath) -> str:
    r"""Escape all that would not show, or not on the same line, in the name of a file: ``\n``, ``\u202e``, ``\xe9``."""
    return escape_controls(escape_bytes(name)).replace("\n", r"\n")


def escape_bytes(path: str | PurePath) -> str:
    """Escape the bytes of a file name that are not valid UTF-8, which no output can hold."""
    return os.fsencode(path).decode(errors="backslashreplace")


def escape_controls(message: str) -> str:
    """Escape the control characters in a message, except line ends."""
    return CONTROLS.sub(lambda match: match[0] if match[0] == "\n" else ascii(match[0])[1:-1], message)
