"""The catalog of the platform: what it tells of tables, and what is written into it. One kind of catalog, one file.

`spark_catalog` is Spark's own (a Hive metastore, say), `unity_catalog` is Unity Catalog, by its documented SQL.
"""
