"""Everything that runs on a Ray cluster. Set here, before Ray is imported, is what it reads on import."""

import os

os.environ.setdefault("RAY_DEDUP_LOGS", "0")  # lines that differ only in a number are different lines
