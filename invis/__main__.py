"""`python -m invis` is `invis`."""

from invis.cli import main

main()
