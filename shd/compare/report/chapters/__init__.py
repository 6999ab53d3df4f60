"""What the page shows of each question beside its scores: a function a question, which names it as ``show``."""
