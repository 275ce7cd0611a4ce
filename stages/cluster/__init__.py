"""Everything that runs on a Ray cluster. What is set here must be set before Ray is imported."""

import os

os.environ.setdefault("RAY_DEDUP_LOGS", "0")  # lines that differ only in a number are different lines
