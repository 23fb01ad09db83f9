"""The report: one HTML file that people look at, without a network, in light and dark, on paper too."""
