"""What builds the environment: packages, their lock, a browser for the tests."""
