"""Delivery: from the outbox to the sinks, each on a thread of its own, so that none delays another."""
