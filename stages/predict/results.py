"""What runs left: the commit that has it, and values in its JSON files."""

import json
from pathlib import Path
from typing import Any

from dvc.repo import Repo
from dvc.scm import RevError, resolve_rev

from stages.common.program import UserError


def resolve_commit(repo: Repo, revision: str) -> str:
    """Return the hash of the commit that a commit, branch, tag or DVC experiment stands for.

    Raises:
        RevError: There is none: no such name, or that of a file or folder (``HEAD:dvc.yaml``), which git knows as well.
    """
    if not revision:  # HEAD to DVC
        raise RevError("it is empty")
    try:
        git_object = resolve_rev(repo.scm, revision)
    except (RevError, UnicodeError) as error:
        raise RevError(f"unknown Git revision {revision!r}") from error
    try:
        return str(resolve_rev(repo.scm, f"{git_object}^{{commit}}"))
    except RevError as error:
        raise RevError("it is a file or a folder, not a commit") from error


def json_value(content: bytes, key: str, kind: type, path: Path | str, advice: str) -> Any:
    """Return a value of a JSON object.

    Raises:
        UserError: The content is no JSON object with a value of this kind.
    """
    try:
        value = json.loads(content)[key]
    except (ValueError, TypeError, KeyError, RecursionError):
        value = None
    if isinstance(value, kind):
        return value
    received = "git's conflict markers" if b"<<<<<<< " in content else "other content"
    raise UserError(f'expected JSON with "{key}" in {path}, received {received}: {advice}')
