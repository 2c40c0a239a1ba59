"""What ``make`` needs beyond Python packages: Java and the jars of Delta Lake."""
