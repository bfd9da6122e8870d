"""Formats that Tetrad shares with other programs over a wire; nothing here opens a connection."""
