"""Offers that can be kept: computed by the site's own model, so that every one of them can be activated.

docs/offers.md has the method in formulas.
"""

from flexmarket.engine.exact.activation import Promise, activate
from flexmarket.engine.exact.offers import SiteOffers, offers_of_devices, offers_of_site, provenance, quantify
from flexmarket.engine.exact.terms import OfferTerms

__all__ = [
    "OfferTerms",
    "Promise",
    "SiteOffers",
    "activate",
    "offers_of_devices",
    "offers_of_site",
    "provenance",
    "quantify",
]
