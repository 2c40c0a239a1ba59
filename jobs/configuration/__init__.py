"""Reading ``conf/``: strict YAML into frozen models, every fault of every file in one report. No Spark."""
