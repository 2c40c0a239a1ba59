"""How coarse the quasi-identifiers of a table have to be, so that nobody in it is singled out: found over counts.

Spark counts each combination of values once (`class_table`); what is done to a column stands on a ladder of treatments
(`ladders`); the search climbs them over the counts alone (`search`), or cuts the table into boxes (`mondrian`). What is
found is a proposal (`suggestion`): nothing is treated before a person has accepted it.
"""
