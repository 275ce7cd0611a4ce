"""Synthetic portraits of animals.

A head is a few ellipses and polygons in coordinates of its own: the skull's centre is (0, 0, 0), its radius about 1, x
points right, y down and z out of the image. ``Head`` rotates it and projects it to pixels.
"""

from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from commands.sample.species import COATS, EARS, HORNS, IRISES, MUZZLES, SPECIES, Colour, Muzzle, Outline, Species

OVERSAMPLING = 2  # drawn this many times larger, then reduced: Pillow does not smooth edges


class Head:
    """A head turned at random, its projection to ``image``, and a pen that draws there in the head's coordinates."""

    def __init__(self, image: Image.Image, rng: np.random.Generator) -> None:
        width, height = image.size
        self.rng = rng
        self.pen = ImageDraw.Draw(image)
        self.radius = min(width, height) * rng.uniform(0.23, 0.34)
        self.centre = np.array([width, height]) * rng.uniform((0.4, 0.46), (0.6, 0.58))
        turn, nod, tilt = rng.normal(0, (0.3, 0.1, 0.15)).clip(-0.8, 0.8)
        self.tilt = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
        turned = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
        nodded = np.array([[1, 0, 0], [0, np.cos(nod), np.sin(nod)], [0, -np.sin(nod), np.cos(nod)]])
        self.flatten = self.tilt @ (nodded @ turned)[:2]  # (2, 3)

    def place(self, points: Iterable[Iterable[float]]) -> np.ndarray:
        """Project points of the head, shaped (n, 3), to pixels, shaped (n, 2)."""
        return np.asarray(self.centre + self.radius * (np.array(points) @ self.flatten.T))

    def blob(self, centre: Iterable[float], width: float, height: float, colour: Colour, jaw: float = 0.0) -> None:
        """Draw an ellipse that faces the viewer however the head is turned; ``jaw`` narrows its lower half."""
        angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        x, y = np.cos(angle), np.sin(angle)
        outline = np.stack([width * x * (1 - jaw * y.clip(0)), height * y], axis=1) @ self.tilt.T
        self.pen.polygon((self.place([centre]) + self.radius * outline).ravel().tolist(), colour)

    def polygon(self, outline: np.ndarray, depth: float, colour: Colour) -> None:
        """Draw a flat shape, (n, 2), at z = ``depth``, which turns with the head."""
        points = np.column_stack([outline, np.full(len(outline), depth)])
        self.pen.polygon(self.place(points).ravel().tolist(), colour)

    def line(self, points: Iterable[Iterable[float]], colour: Colour, width: float) -> None:
        """Draw a line through points, shaped (n, 3); ``width`` is in the head's units."""
        self.pen.line(self.place(points).ravel().tolist(), colour, max(1, round(width * self.radius)), "curve")


def draw_animal(species: str, rng: np.random.Generator) -> Image.Image:
    """Draw one of ``SPECIES`` in RGB, in portrait or landscape format, the longer side of 240 to 400 pixels.

    All randomness comes from ``rng``: generators in the same state draw the same pixels.
    """
    long = int(rng.integers(240, 401))
    short = round(long * rng.choice([2 / 3, 3 / 4, 1]))
    size = (long, short) if rng.random() < 0.6 else (short, long)
    image = draw_background((size[0] * OVERSAMPLING, size[1] * OVERSAMPLING), rng)
    draw_head(Head(image, rng), SPECIES[species])
    if rng.random() < 0.3:
        draw_clutter(image, rng, count=int(rng.integers(1, 3)), largest=0.15)
    return photograph(image.reduce(OVERSAMPLING), rng)


def draw_background(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """Draw a soft gradient with things in it, more or less out of focus."""
    corners = np.array([[random_colour(rng) for _ in range(2)] for _ in range(3)], dtype=np.uint8)
    focus = int(rng.choice([2, 4, 8]))  # drawn this many times smaller, then enlarged
    small = Image.fromarray(corners).resize((size[0] // focus, size[1] // focus), Image.Resampling.BILINEAR)
    draw_clutter(small, rng, count=int(rng.integers(0, 7)), largest=0.3)
    return small.filter(ImageFilter.GaussianBlur(1)).resize(size, Image.Resampling.BICUBIC)


def draw_clutter(image: Image.Image, rng: np.random.Generator, count: int, largest: float) -> None:
    """Draw blobs, poles and triangles anywhere, up to ``largest`` times the image in size."""
    pen = ImageDraw.Draw(image)
    for _ in range(count):
        x, y = rng.uniform(0, image.size)
        reach = rng.uniform(0.03, largest) * max(image.size)
        colour = random_colour(rng)
        match rng.integers(3):
            case 0:
                pen.ellipse((x - reach, y - reach * 0.7, x + reach, y + reach * 0.7), colour)
            case 1:
                slant = rng.uniform(-0.5, 0.5) * image.height
                pen.line((x - slant, 0, x + slant, image.height), colour, max(1, round(reach / 6)))
            case _:
                pen.polygon((rng.uniform(-reach, reach, (3, 2)) + np.array([x, y])).ravel().tolist(), colour)


def draw_head(head: Head, species: Species) -> None:
    """Draw shoulders, horns, ears, skull, coat, eyes, muzzle and whiskers, the farthest first."""
    rng = head.rng
    coat, second = random_fur(rng), random_fur(rng)
    width, height, jaw = species.skull * rng.normal(1, 0.06, 3)
    ears = species.ears[rng.integers(len(species.ears))]
    hanging = ears == "floppy"
    head.blob((0, 2.3, -0.6), rng.uniform(1.1, 1.6), 1.9, shade(coat, 0.8))
    draw_pair(head, HORNS[species.horns], shade((205, 190, 160), rng.uniform(0.6, 1.1)))
    if not hanging:
        draw_pair(head, EARS[ears], shade(coat, 0.9), inside=shade(second, 0.9))
    head.blob((0, 0.04, 0), width, height, shade(coat, 0.88), jaw)
    head.blob((0, -0.02, 0.1), width * 0.92, height * 0.92, coat, jaw)
    for x, y, pattern_width, pattern_height in COATS[str(rng.choice(list(COATS)))]:
        head.blob(on_skull(x, y), pattern_width, pattern_height, second)
    draw_fur(head, coat, width, height)
    if hanging:
        draw_pair(head, EARS[ears], shade(coat, 0.8))
    draw_eyes(head, species)
    muzzle = MUZZLES[species.muzzle]
    tints = {"coat": coat, "pale": shade(coat, 1.25), "pink": (214, 158, 150), "horn": (222, 170, 70)}
    draw_muzzle(head, muzzle, tints[muzzle.tint])
    if species.whiskers:
        draw_whiskers(head, muzzle)


def draw_pair(head: Head, outline: Outline, colour: Colour, inside: Colour | None = None) -> None:
    """Draw an ear or horn and its mirror image, each slightly different; ``inside`` colours its middle."""
    if not outline:
        return
    points = np.array(outline) * head.rng.normal(1, 0.09, 2)
    for side in (-1, 1):
        ear = rounded(points + head.rng.normal(0, 0.04, points.shape)) * (side, 1)
        head.polygon(ear, -0.1, colour)
        if inside:
            head.polygon(ear.mean(axis=0) + 0.6 * (ear - ear.mean(axis=0)), -0.1, inside)


def draw_fur(head: Head, coat: Colour, width: float, height: float) -> None:
    """Draw short hairs on the skull, pointing away from its middle."""
    for angle, reach in zip(head.rng.uniform(0, 2 * np.pi, 90), head.rng.uniform(0.3, 0.97, 90), strict=True):
        x, y = reach * width * np.cos(angle), reach * height * np.sin(angle)
        hair = shade(coat, head.rng.uniform(0.75, 1.15))
        head.line([(x, y, 0), (x * 1.08, y * 1.05 + 0.05, 0)], hair, 0.02)


def draw_eyes(head: Head, species: Species) -> None:
    """Draw two eyes with a shining pupil, ``species.pupil`` times as wide as the eye."""
    size, x, y = species.eyes * head.rng.normal(1, 0.1, 3)
    iris = IRISES[head.rng.integers(len(IRISES))]
    for side in (-1, 1):
        centre = on_skull(side * x, y)
        head.blob(centre, size * 1.12, size * 1.05, (35, 28, 25))
        head.blob(centre, size, size * 0.92, iris)
        head.blob(centre, size * species.pupil, size * 0.85, (15, 12, 12))
        head.blob((centre[0] - size * 0.3, centre[1] - size * 0.35, centre[2]), size / 5, size / 5, (250, 250, 250))


def draw_muzzle(head: Head, muzzle: Muzzle, colour: Colour) -> None:
    """Draw the muzzle from root to tip, lighter and lighter, and on it nose, nostrils and mouth."""
    length = muzzle.length * head.rng.uniform(0.75, 1.2)
    root = on_skull(0, muzzle.y)[2] - 0.25
    for step in np.linspace(0, 1, 10):
        scale = 1 + (muzzle.taper - 1) * step
        centre = (0.0, muzzle.y + muzzle.drop * step, root + (length + 0.25) * step)
        head.blob(centre, muzzle.width * scale, muzzle.height * scale, shade(colour, 0.85 + 0.15 * step))
    tip_width, tip_height = muzzle.width * muzzle.taper, muzzle.height * muzzle.taper
    y, z = muzzle.y + muzzle.drop, root + length + 0.25
    dark = shade((60, 45, 45), head.rng.uniform(0.4, 2.2))
    for side in (-1, 1):
        head.blob((side * tip_width * 0.4, y - tip_height * 0.15, z), muzzle.nostrils, muzzle.nostrils * 1.2, dark)
    if muzzle.tint != "horn":
        corner, bottom = tip_width * 0.27, y + tip_height * 0.45
        nose_y = y - tip_height * 0.45
        head.line([(0, nose_y, z), (0, bottom, z)], dark, 0.03)
        lips = [(-2, 0), (-1, 0.07), (0, 0), (1, 0.07), (2, 0)]
        head.line([(corner * x, bottom + sag, z) for x, sag in lips], dark, 0.035)
        head.blob((0, nose_y, z), *muzzle.nose, dark, jaw=0.5)


def draw_whiskers(head: Head, muzzle: Muzzle) -> None:
    rng = head.rng
    colour = shade((230, 230, 225), rng.uniform(0.3, 1.1))
    for side in (-1, 1):
        for lift in np.linspace(-0.25, 0.3, rng.integers(3, 5)):
            start = (side * muzzle.width * 0.6, muzzle.y + lift * 0.3, 1.0)
            end = (side * rng.uniform(1.0, 1.5), muzzle.y + lift + rng.normal(0, 0.06), 0.7)
            head.line([start, end], colour, 0.022)


def photograph(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Add uneven coloured light, blur and grain, as a camera does."""
    light = rng.uniform(0.75, 1.15) * rng.uniform(0.8, 1.2, (2, 2)).astype(np.float32)
    light = np.asarray(Image.fromarray(light).resize(image.size, Image.Resampling.BILINEAR))
    blurred = image.filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.6)))
    grain = rng.standard_normal((image.height, image.width, 1), dtype=np.float32) * rng.uniform(2, 10)
    pixels = np.asarray(blurred) * light[..., None] * rng.uniform(0.9, 1.1, 3).astype(np.float32) + grain
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def on_skull(x: float, y: float) -> tuple[float, float, float]:
    return x, y, float(np.sqrt(max(0.0, 0.95 - x * x - y * y)))


def rounded(outline: np.ndarray) -> np.ndarray:
    """Cut the corners of a closed outline, (n, 2), twice (Chaikin, 1974): (4 n, 2)."""
    for _ in range(2):
        following = np.roll(outline, -1, axis=0)
        cut = np.stack([0.75 * outline + 0.25 * following, 0.25 * outline + 0.75 * following], axis=1)
        outline = cut.reshape(-1, 2)
    return outline


def random_colour(rng: np.random.Generator) -> Colour:
    grey = rng.uniform(40, 220)
    return tuple((grey + rng.normal(0, 18, 3)).clip(0, 255).astype(int).tolist())


def random_fur(rng: np.random.Generator) -> Colour:
    """Draw a colour from black to white, by way of greys, browns, ginger and cream."""
    light, warmth = rng.uniform(45, 225), rng.uniform(0, 0.5)
    return shade((round(light), round(light * (1 - warmth * 0.55)), round(light * (1 - warmth))), 1)


def shade(colour: Colour, factor: float) -> Colour:
    return tuple(min(255, round(channel * factor)) for channel in colour)
