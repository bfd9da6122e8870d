"""What Pulumi manages: a component a file, each of the objects that `objects/` makes."""
