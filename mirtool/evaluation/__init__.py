"""How good is an estimate: one module a task, each of the same shape."""
