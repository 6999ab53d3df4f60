"""Compare synthetic with real pictures: are they alike, are they useful, are they safe.

One module a question: `means`, `realism` (Fréchet and kernel distance, precision and recall), `variety`, `detection`
(C2ST), `utility` (TSTR), `attention` (Grad-CAM), `privacy`, `membership`, and `leakage`, which is about the real
pictures alone. The floor is `SliceGaussian`, the ceiling other real people; every set that is compared has equally
many pictures of each class and slice.
"""
