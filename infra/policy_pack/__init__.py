"""What no object of an environment may be, whoever wrote the program that makes it."""
