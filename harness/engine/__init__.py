"""noisebench.engine"""
