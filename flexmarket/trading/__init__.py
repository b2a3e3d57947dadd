"""Offers on markets: made, submitted, ordered, activated."""
