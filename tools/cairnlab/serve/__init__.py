"""cairn serve with real clients, and its bars."""
