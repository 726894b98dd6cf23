"""Networks that turn a picture into features, named and hashed."""
