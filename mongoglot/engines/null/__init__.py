"""The null engine: nothing is kept, for those who want no task history at all."""

from mongoglot.engines.null.backend import NullBackend, open_backend

__all__ = ["NullBackend", "open_backend"]
