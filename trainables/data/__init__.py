"""Sets of images: the store that keeps them by content address, and the data sets that can be named."""
