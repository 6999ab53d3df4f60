"""Are they useful? One module a question."""
