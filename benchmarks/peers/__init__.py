"""Programs of others, each as its users run it: training (benchmarks.train), and watching cameras."""
