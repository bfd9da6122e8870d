def refund(order_id: str) -> dict[str, str]:
    return {"state": "refunded", "order": order_id}
