"""What the program needs around it: set-up, toolchain, offline bundle, private engine, benchmarks."""
