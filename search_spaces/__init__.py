"""What to try: domains, objectives, constraints and budgets, read from TOML study files."""
