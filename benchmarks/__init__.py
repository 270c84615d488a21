"""Speed beside PyTorch on the same processor, and beside the plain NumPy way: `python -m benchmarks`."""
