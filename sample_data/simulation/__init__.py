"""The simulated shop behind the files of this folder: see ../README.md and ../simulate.py."""
