"""The whole system on one machine, from parts that come with Python packages, under one supervisor."""
