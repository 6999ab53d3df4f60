"""Are they safe? One module a question; and the attackers."""
