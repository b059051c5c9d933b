"""What the benchmarks share: local servers in processes of their own, CPU and memory of process trees, tables."""
