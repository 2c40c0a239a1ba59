"""Pages of HTML about treated tables: what is to be said (`facts`), and how it is drawn (`drawing`)."""
