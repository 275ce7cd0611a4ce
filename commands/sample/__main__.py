"""Draw a data set of synthetic images of animals, as a zip that the pipeline reads, and print its SHA-256.

The same options give the same bytes.

    python -m commands.sample --classes cats dogs --train 80 --output data/sample.zip
"""

from pathlib import Path

from commands.sample.photo_archive import write_archive
from commands.sample.species import SPECIES
from stages.common.cli import command_parser, logger, run
from stages.storage.files import sha256_of


def main() -> None:
    parser = command_parser(__doc__)
    names = f"one or more of {', '.join(SPECIES)}"
    parser.add_argument("--classes", nargs="+", choices=SPECIES, default=["cats", "dogs"], metavar="NAME", help=names)
    parser.add_argument("--train", type=int, default=80, metavar="N", help="images per class (default: %(default)s)")
    parser.add_argument("--validation", type=int, default=150, metavar="N", help="likewise (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the drawings (default: %(default)s)")
    output_help = "new file to write (default: %(default)s)"
    parser.add_argument("-o", "--output", type=Path, default=Path("data/sample.zip"), metavar="ZIP", help=output_help)
    args = parser.parse_args()

    write_archive(args.output, args.classes, args.train, args.validation, args.seed)
    classes = sorted(set(args.classes))
    logger.info("Wrote %s: %d each of %s", args.output, args.train + args.validation, ", ".join(classes))
    print(sha256_of(args.output))  # noqa: T201


if __name__ == "__main__":
    run(main)
