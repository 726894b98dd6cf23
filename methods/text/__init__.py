"""Methods of `text`: what each next character may be."""
