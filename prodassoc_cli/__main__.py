"""`python -m prodassoc_cli` is `prodassoc`."""

from prodassoc_cli.app import main

main()
