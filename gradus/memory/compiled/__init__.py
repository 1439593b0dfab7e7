"""The DNC compiled for the CPU: what `gradus.memory.dnc` computes, as one operation.

The paper's DNC in float32; the tests hold the two together. Reading order: `products`, `equations`,
`step`, `loop` (the compiled code), `sequence` (its place in torch).
"""
