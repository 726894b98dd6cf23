"""noisebench.store"""
