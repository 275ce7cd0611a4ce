import stages  # noqa: F401 (for what ends the imports of a command)
