"""What vectors tell: neighbours, topics, keywords, profiles of users."""
