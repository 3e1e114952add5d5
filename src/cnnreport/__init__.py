"""A reproducible comparison report of five convolutional networks."""

__version__ = "0.1.0"
