"""Prompts in other tools' files, linted where they lie: Prompty and Dotprompt.

A file becomes one of our prompts in memory. The converted document keeps the file's own text, and
every value in it has the place of the characters that it came from, so that rules and findings need
to know nothing of the format.
"""
