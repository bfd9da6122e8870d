"""The page for whoever is on call: what serves, how it does, and a button that rolls back."""
