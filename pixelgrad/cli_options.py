"""Options that several commands share."""


def add_common(parser, *, out=None, out_help="where the result goes", seed=True):
    """--out, --force, --seed, -q and --debug, which follow every command."""
    if out_help:
        parser.add_argument("--out", default=out, metavar="PATH", help=f"{out_help} (default: {out})")
        parser.add_argument("--force", action="store_true", help="overwrite what is there")
    if seed:
        parser.add_argument("--seed", type=int, default=0, help="seed of the random numbers (default: 0)")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress, no report")
    parser.add_argument("--debug", action="store_true", help="show a traceback instead of one line on errors")
