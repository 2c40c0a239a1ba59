"""What treated tables are like and how that changes, and what in the house wants somebody: profiles that hold no value
and no small count, drift against a baseline, watches that read no row, and Prometheus' text format.
"""
