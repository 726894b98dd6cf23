"""What training recipes are made of, a folder a kind and a file a component, written with the public API alone."""
