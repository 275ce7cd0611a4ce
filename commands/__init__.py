import stages  # noqa: F401 (for Ctrl-C while the imports of a command run)
