"""A study to look at: simulated patients whose joint space narrowing is known. Never in production."""
