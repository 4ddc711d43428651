"""The proof: every engine on the same pictures as the trained model, and what was found, in figures and words."""
