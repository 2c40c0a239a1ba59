"""Classes of rows in whole arrays, what each has of a sensitive column, and how far that is from the whole table.

One place for what measures of a treated table and the search over a source ask alike.
"""
