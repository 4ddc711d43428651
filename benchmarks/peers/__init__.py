"""Programs that others train with, each as its users run it; benchmarks.train races them."""
