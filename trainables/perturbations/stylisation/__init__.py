"""Stylised images: the shapes of one image in the texture and the palette of another, on whole batches of tensors."""
