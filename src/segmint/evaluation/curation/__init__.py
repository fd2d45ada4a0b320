"""Which synthetic pairs are worth keeping: their masks fit their images, and they are no copies."""
