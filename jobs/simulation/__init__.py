"""A business in fast motion: scenarios, the demo, and "what would have happened if"."""
