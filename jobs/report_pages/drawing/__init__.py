"""From facts to pages: pure functions to text. Nothing here knows of Spark, of files or of the time."""
