"""A run on its way from the site that measured it to the one that decides: packed there, checked here."""
