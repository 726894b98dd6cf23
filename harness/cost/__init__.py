"""What a call costs: latency, memory, operations."""
