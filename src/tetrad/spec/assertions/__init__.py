"""What can be said of assertions before anything answers: `tetrad.evals` evaluates them."""
