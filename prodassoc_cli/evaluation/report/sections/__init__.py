"""Sections of the report, each with the data that its template shows."""
