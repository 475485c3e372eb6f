"""A generator of defects in shop data, and how well the data report and the cleaners find them."""
