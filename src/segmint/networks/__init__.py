"""Plain torch modules; they know nothing of training or files."""
