"""How far a table singles people out: class sizes and what is learnt within a class, measured where the rows are.

Spark counts, whole arrays do the rest; to the driver come counts of counts, never a class and never a value.
"""
