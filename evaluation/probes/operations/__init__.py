"""Can people work with it? Attempts of the daily routine, not opinions."""
