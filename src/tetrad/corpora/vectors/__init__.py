"""Corpora in PostgreSQL with pgvector: their tables, how they are filled, and how they are searched."""
