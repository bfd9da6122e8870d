from .rules import DISCOUNT
