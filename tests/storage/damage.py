"""Ways in which an ``.npz`` is damaged by a power failure, a disk or another program."""

DAMAGES = ["empty", "cut short", "no arrays", "zeros", "a bit", "encryption", "bzip2", "deflate", "another offset"]


def damaged(content: bytes, damage: str) -> bytes:
    replaced = {"empty": b"", "cut short": content[:-100], "no arrays": b"PK\5\6" + bytes(18)}  # a zip of nothing
    if damage in replaced:
        return replaced[damage]
    middle, entry, end = len(content) // 2, content.rindex(b"PK\1\2"), content.rindex(b"PK\5\6")
    position, written = {
        "zeros": (middle, bytes(100)),
        "a bit": (middle, bytes([content[middle] ^ 1])),
        "encryption": (entry + 8, b"\1"),  # so says the directory at the end, also of the others
        "bzip2": (entry + 10, b"\14"),  # likewise, how it is compressed
        "deflate": (entry + 10, b"\10"),
        "another offset": (end + 18, b"\11"),
    }[damage]
    return content[:position] + written + content[position + len(written) :]
