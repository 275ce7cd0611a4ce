"""Shapes of the animals that can be drawn.

In a head's own coordinates: the skull's centre is the origin, its radius about 1, x points right and y down. Cats and
dogs differ in shape, never in colour or coat.
"""

from typing import NamedTuple

Colour = tuple[int, ...]  # red, green, blue
Outline = tuple[tuple[float, float], ...]


class Muzzle(NamedTuple):
    """A tube from the face (``width``, ``height``, ``y``) to a tip ``taper`` times as wide."""

    width: float
    height: float
    y: float
    length: float  # how far the tip is ahead of the face
    taper: float
    drop: float = 0.0  # how far the tip hangs below the root
    nose: tuple[float, float] = (0.0, 0.0)  # width and height
    nostrils: float = 0.0
    tint: str = "coat"


class Species(NamedTuple):
    """Shape of a species. ``ears`` are drawn at random, so the more frequent ones are repeated."""

    singular: str
    ears: tuple[str, ...]
    muzzle: str
    skull: tuple[float, float, float]  # width, height, narrowing of the jaw
    eyes: tuple[float, float, float]  # size, x, y
    pupil: float = 0.75  # its width: 1 fills the eye
    whiskers: bool = False
    horns: str = "none"


# The right ear or horn; the left one mirrors it. Corners are rounded, except those of "pointed" shapes.
EARS: dict[str, Outline] = {
    "pointed": ((0.2, -0.8), (0.62, -1.5), (0.72, -1.5), (0.95, -0.35), (0.6, -0.4)),
    "pricked": ((0.25, -0.8), (0.58, -1.75), (0.68, -1.75), (0.9, -0.45), (0.6, -0.5)),
    "folded": ((0.3, -0.75), (0.55, -1.2), (0.95, -1.2), (1.3, -0.6), (1.2, -0.5), (0.85, -0.5)),
    "floppy": ((0.5, -0.8), (0.95, -1.0), (1.35, -0.4), (1.4, 0.5), (1.1, 0.9), (0.8, 0.4), (0.85, -0.3)),
    "round": ((0.35, -0.7), (0.4, -1.25), (0.85, -1.4), (1.2, -1.0), (0.95, -0.45)),
    "saucer": ((0.3, -0.6), (0.3, -1.5), (1.1, -1.9), (1.75, -1.2), (1.4, -0.5), (0.85, -0.3)),
    "fluffy": ((0.55, -0.5), (0.75, -1.25), (1.5, -1.3), (1.8, -0.6), (1.3, 0.0), (0.85, -0.1)),
    "long": ((0.1, -0.7), (0.05, -1.6), (0.25, -2.5), (0.6, -2.5), (0.7, -1.6), (0.6, -0.6)),
    "sideways": ((0.7, -0.6), (1.3, -0.9), (2.0, -0.6), (1.6, -0.2), (0.8, -0.2)),
    "handles": ((0.8, -0.5), (1.3, -0.65), (1.5, -0.1), (1.3, 0.4), (0.8, 0.35)),
    "tufts": ((0.25, -0.8), (0.9, -1.4), (0.95, -1.35), (0.9, -0.4)),
    "none": (),
}
HORNS: dict[str, Outline] = {
    "short": ((0.35, -0.8), (0.95, -1.0), (0.95, -1.6), (1.2, -1.1), (0.9, -0.7), (0.5, -0.65)),
    "swept": ((0.1, -0.8), (0.25, -1.6), (1.0, -2.1), (0.6, -1.5), (0.5, -0.8)),
    "antlers": ((0.2, -0.8), (0.45, -1.5), (0.2, -2.0), (0.5, -1.7), (0.65, -2.3), (0.75, -1.7), (1.2, -2.0),
                (0.7, -1.4), (0.4, -0.8)),
    "none": (),
}  # fmt: skip
MUZZLES = {
    "small": Muzzle(0.36, 0.27, 0.36, 0.2, 0.9, nose=(0.12, 0.08), tint="pale"),
    "long": Muzzle(0.46, 0.4, 0.32, 0.75, 0.75, drop=0.12, nose=(0.2, 0.15), tint="pale"),
    "thin": Muzzle(0.36, 0.3, 0.35, 0.85, 0.35, drop=0.15, nose=(0.12, 0.1), tint="pale"),
    "broad": Muzzle(0.55, 0.42, 0.45, 0.5, 0.95, drop=0.12, nostrils=0.07, tint="pink"),
    "flat": Muzzle(0.62, 0.42, 0.4, 0.2, 0.9, nostrils=0.035, tint="pale"),
    "button": Muzzle(0.4, 0.35, 0.3, 0.15, 0.9, nose=(0.2, 0.32), tint="coat"),
    "disc": Muzzle(0.42, 0.33, 0.3, 0.4, 1.0, nostrils=0.09, tint="pink"),
    "beak": Muzzle(0.2, 0.2, 0.1, 0.5, 0.1, drop=0.4, tint="horn"),
    "bill": Muzzle(0.45, 0.2, 0.3, 0.8, 1.1, drop=0.15, nostrils=0.03, tint="horn"),
}
SPECIES = {
    "cats": Species("cat", ("pointed",) * 7 + ("folded",), "small", (1.08, 0.88, 0.15), (0.24, 0.43, -0.1), 0.35, True),
    "dogs": Species("dog", ("floppy",) * 6 + ("folded", "pointed"), "long", (0.93, 1.0, 0.2), (0.14, 0.38, -0.22)),
    "bears": Species("bear", ("round",), "long", (1.05, 0.98, 0.05), (0.11, 0.36, -0.15)),
    "cows": Species("cow", ("sideways",), "broad", (0.85, 1.1, 0.2), (0.14, 0.5, -0.25), 0.9, horns="short"),
    "deer": Species("deer", ("sideways",), "thin", (0.8, 1.05, 0.4), (0.17, 0.48, -0.2), 0.9, horns="antlers"),
    "ducks": Species("duck", ("none",), "bill", (0.9, 0.95, 0.0), (0.13, 0.5, -0.25), 0.9),
    "foxes": Species("fox", ("pricked",), "thin", (1.1, 0.92, 0.5), (0.15, 0.4, -0.15), 0.4, True),
    "goats": Species("goat", ("floppy", "sideways"), "long", (0.8, 1.1, 0.35), (0.14, 0.48, -0.25), horns="swept"),
    "koalas": Species("koala", ("fluffy",), "button", (1.05, 0.95, 0.1), (0.11, 0.42, -0.12)),
    "mice": Species("mouse", ("saucer",), "thin", (0.85, 0.9, 0.4), (0.16, 0.42, -0.1), 1.0, True),
    "monkeys": Species("monkey", ("handles",), "flat", (0.95, 1.0, 0.1), (0.15, 0.3, -0.15)),
    "owls": Species("owl", ("tufts",), "beak", (1.1, 0.95, 0.1), (0.32, 0.4, -0.15), 0.5),
    "pigs": Species("pig", ("folded", "pointed"), "disc", (1.0, 0.98, 0.1), (0.12, 0.42, -0.2), 0.9),
    "rabbits": Species("rabbit", ("long",), "small", (0.88, 0.95, 0.15), (0.17, 0.5, -0.15), 0.9, True),
}
# Ellipses of a second colour on the skull, as (x, y, width, height); every species may wear any of them.
COATS: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    "plain": (),
    "patch": ((0.42, -0.15, 0.35, 0.4),),
    "blaze": ((0.0, -0.3, 0.16, 0.6),),
    "mask": ((-0.42, -0.1, 0.33, 0.26), (0.42, -0.1, 0.33, 0.26)),
    "stripes": tuple((x, -0.62, 0.05, 0.2 - abs(x) / 4) for x in (-0.36, -0.18, 0.0, 0.18, 0.36)),
    "spots": ((-0.5, -0.5, 0.14, 0.1), (0.1, -0.6, 0.12, 0.13), (0.6, 0.2, 0.12, 0.15), (-0.6, 0.3, 0.1, 0.1)),
}
IRISES: tuple[Colour, ...] = ((196, 150, 40), (120, 150, 60), (90, 140, 170), (110, 70, 35), (60, 40, 25))
