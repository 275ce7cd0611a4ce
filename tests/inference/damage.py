"""Ways in which an ``.npz`` is damaged by a power failure, a disk or another program."""

DAMAGES = ["empty", "cut short", "a changed bit", "another compression", "no arrays"]


def damaged(content: bytes, damage: str) -> bytes:
    if damage in ("empty", "cut short", "no arrays"):
        return {"empty": b"", "cut short": content[:-100], "no arrays": b"PK\5\6" + bytes(18)}[damage]
    changed = bytearray(content)
    if damage == "a changed bit":
        changed[len(content) // 2] ^= 1
    else:
        changed[content.index(b"PK\1\2") + 10] = 12  # bzip2, says the directory at the end
    return bytes(changed)
