"""Columns of JSON text, treated by path: what no path leads to stays byte for byte, and what nobody decided is refused.

`branches` says what is done where, `scanner` finds the places in one text, `literals` holds values of JSON against
columns, and `documents` treats a whole array of texts.
"""
