from limits import LONGEST


def is_short(output, context):
    return len(output) <= LONGEST
