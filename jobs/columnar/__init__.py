"""The columnar path: a table treated file by file in whole Arrow arrays, which never pass through Spark row by row."""
