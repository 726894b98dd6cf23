"""noisebench.cost"""
