"""noisebench.analysis"""
