"""What came out: records, fronts, figures and pages."""
