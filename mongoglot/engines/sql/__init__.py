"""What SQL engines share: tables, nodes of SQL, quoting and printing."""

from mongoglot.engines.sql.table import Column, Table

__all__ = ["Column", "Table"]
