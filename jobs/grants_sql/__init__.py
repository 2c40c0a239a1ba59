"""Who sees what of which columns, as statements for platforms that hold to them. Pure functions: nothing is run here.

`sight` says what each role sees; `spark_views`, `hive`, `unity` and `ranger` each say it in the words of one platform.
None but the views was ever run against its platform (docs/grants.md).
"""
