import json

from shop import DISCOUNT
from units import CENTS


def price(euros: int) -> str:
    return json.dumps(euros * CENTS * (100 - DISCOUNT) // 100)
