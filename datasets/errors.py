"""The one error type of pixelgrad.datasets for data that cannot be used."""


class DataError(ValueError):
    """A data file, picture or download is not what it should be: the message says what to do about it."""
