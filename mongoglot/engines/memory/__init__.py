"""The memory engine: documents in the process."""

from mongoglot.engines.memory.backend import MemoryBackend, open_backend

__all__ = ["MemoryBackend", "open_backend"]
