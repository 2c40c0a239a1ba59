"""Pages of HTML about treated tables."""
