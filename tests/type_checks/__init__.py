"""What type checkers make of the public names; nothing here runs, mypy reads it (`test_public_names.py`)."""
