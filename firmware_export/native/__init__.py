"""The exported C as an engine of this computer: shared libraries behind the interfaces of kws's own stages.

What `kws run --engine c99` runs. It needs NumPy and, for a model that it has not met before, a C compiler.
"""
