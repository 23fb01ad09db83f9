"""How the languages of reasons and reports write numbers, lists and days."""
