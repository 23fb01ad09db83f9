"""Reasons for recommendations: columns, in the words of a language, with counterfactual weights."""
