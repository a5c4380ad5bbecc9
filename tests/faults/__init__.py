"""Faults and load: what a store does when processes, disks, files and servers fail."""
