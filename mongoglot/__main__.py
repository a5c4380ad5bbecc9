"""`python -m mongoglot` is the command `mongoglot`."""

from mongoglot.cli.main import main

main(prog_name="mongoglot")
