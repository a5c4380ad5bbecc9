"""The command line: `mongoglot COMMAND …`."""
