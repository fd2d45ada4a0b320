"""Measures as pure functions; each declares its name, direction and range."""
