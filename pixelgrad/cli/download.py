"""`pixelgrad download`: data sets and weights from their official addresses."""

from .options import add_common


def add_download(commands):
    from ..datasets.download import DOWNLOADS

    p = commands.add_parser(
        "download",
        help="fetch a data set or weights from the official address",
        description="Fetch a file, continue where an earlier download broke off, and check what arrived.",
        allow_abbrev=False,
    )
    p.add_argument("name", choices=sorted(DOWNLOADS), help="what to fetch")
    p.add_argument("--url", help="another address for the same file, such as a mirror in your institute")
    add_common(p, out=".", out_help="folder to put it in", seed=False)
    p.set_defaults(run=run_download)


def run_download(args):
    from ..datasets import download

    path = download(args.name, args.out, overwrite=args.force, url=args.url, progress=not args.quiet)
    if not args.quiet:
        print(f"{path}: {path.stat().st_size:,} bytes")
