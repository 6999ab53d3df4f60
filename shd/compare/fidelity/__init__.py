"""Are the synthetic records alike? One module a question."""
