"""The version of the package, apart from its entrances so that artifacts can name it."""

__version__ = "0.1.0"
