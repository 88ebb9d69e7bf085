"""Our own instruments, for sonification, the demo and the tests."""
