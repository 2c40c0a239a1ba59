"""The Spark session of a job, its loggers, and Spark's errors in words that hold no value."""
