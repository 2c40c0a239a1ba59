"""``lakenym VERB``: all jobs by one command, found in the package itself."""
