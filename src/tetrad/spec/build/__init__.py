"""Checked documents become frozen values, one module a kind; references are resolved here."""
