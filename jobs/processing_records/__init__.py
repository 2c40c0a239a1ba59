"""What a controller must be able to show: the record of processing (GDPR, Art. 30), and data contracts of tables."""
