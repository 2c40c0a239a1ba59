"""The catalog's ``retention`` carried out: rows past their time taken away, old versions, and what is left."""
