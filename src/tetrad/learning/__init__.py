"""What live traffic teaches: candidate golden cases from feedback, and where traffic has drifted."""
