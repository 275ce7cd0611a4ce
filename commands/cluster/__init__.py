"""Commands that run on a Ray cluster. Ray reads these settings when it is imported."""

import os

os.environ.setdefault("RAY_DEDUP_LOGS", "0")  # lines that differ only in a number are different lines
os.environ.setdefault("RAY_RUNTIME_ENV_IGNORE_GITIGNORE", "1")  # nodes receive what git tracks, ignored or not
os.environ.setdefault("RAY_task_oom_retries", "3")  # of what is killed as its node lacks memory; by default, endless
