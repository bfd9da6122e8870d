"""What a stack is made of, written down for others: a bill of materials, and a card."""
