"""noisebench.report"""
